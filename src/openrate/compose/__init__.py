"""The only place that names adapters: settings to a running service.

server    holds the data folder, opens both stores, listens on HTTP and on the control socket
stores    what a command works with when no server runs
"""
