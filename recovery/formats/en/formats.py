"""English is read in markets that write the day first: a month has its name, never a number."""

SHORT_DATE_FORMAT = "M j, Y"
SHORT_DATETIME_FORMAT = "M j, Y, P"
