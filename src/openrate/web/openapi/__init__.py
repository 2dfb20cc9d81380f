"""The OpenAPI 3.1 description of everything the server answers, and a page to read it."""
