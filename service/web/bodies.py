"""A body is read as a model of `service.schemas`, whatever its headers claim: `curl -d` sends JSON as a form.

What cannot be read is 400, damaged gzip included, a body too large 413, and a field that is missing or wrong 422.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from service.web.payload import inflate, read_json

T = TypeVar("T")

_COMPONENTS = "#/components/schemas/{model}"


def read_body(data: bytes, shape: TypeAdapter[T]) -> T:
    """Read a body as it came in; ApiError or RequestValidationError where it is none of that shape."""
    return read_as(read_json(inflate(data)), shape)


def read_as(content: object, shape: TypeAdapter[T], place: str = "body") -> T:
    """Read JSON that is in memory; RequestValidationError names what is wrong below `place`, and repeats no value."""
    try:
        return shape.validate_python(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        located = [{**fault, "loc": (place, *fault["loc"])} for fault in faults]
        raise RequestValidationError(located) from None


def described(*shapes: TypeAdapter[Any]) -> dict[str, Any]:
    """Describe a body of any of these shapes for `openapi_extra`; `app` moves its `$defs` to the components."""
    inputs = [(str(place), "validation", shape) for place, shape in enumerate(shapes)]
    found, document = TypeAdapter.json_schemas(inputs, ref_template=_COMPONENTS)  # type: ignore[arg-type]  # "validation" is a mode
    schemas = list(found.values())
    return request_body(
        {**(schemas[0] if len(schemas) == 1 else {"anyOf": schemas}), "$defs": document.get("$defs", {})}
    )


def request_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a body of a schema for `openapi_extra`."""
    description = "JSON, gzipped or not; Content-Type and Content-Encoding are ignored"
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}
