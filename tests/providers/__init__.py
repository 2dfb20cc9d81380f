"""Providers: their tests, and stand-ins for Apple, Google and the browsers, written from their documentation."""
