"""Creating and editing a campaign.

pages        the pages and their buttons
work         what somebody works on: a new campaign, or one that there is
form         the fields, and the body of the call that they make
kinds        what stands in a field, and how it is read
shown        the fields as they are shown first, and with a message more or less
times        date and time in a zone, and in UTC
problems     beside which field an error is said
warnings     what is accepted and probably not meant
query_words  a query in words
trying       a test send
content      what the templates show
"""

from openrate.web.pages.edit.pages import EditPages

__all__ = ["EditPages"]
