"""What is measured, and what it is measured against: one file each, with a function `measure(folder, size)`."""
