"""Sending: from a campaign that is due to facts about what became of each push.

planner    writes down what is due and to whom it goes
lane       sends for one app: claims chunks, attempts, reports, writes down how far it is
chunk      how far a chunk is, and what is to be done next in it
pace       how fast
service    runs one planner, and a lane for each app that has something to send
trial      sends a message to one installation, so that somebody sees it
"""

from openrate.delivery.service import Delivery

__all__ = ["Delivery"]
