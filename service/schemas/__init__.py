"""What goes over HTTP, a file a noun: pydantic stands at this edge and nowhere further in."""
