"""HTTP as it is: who calls, what a body may be, what every answer is like, how serving starts and stops."""
