"""English is read in markets that write the day first: a month has its name, never a number.

One way for dates and one for times, the clock of 24 hours that every language here is shown: two
ways on one page are taken for two things, and no "a.m." ends in a stop that a sentence doubles.
"""

DATE_FORMAT = SHORT_DATE_FORMAT = "M j, Y"
MONTH_DAY_FORMAT = "M j"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "M j, Y, H:i"
