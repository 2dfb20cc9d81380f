"""The only place that names adapters: settings to a running service.

server     holds the data folder, opens both stores, listens on HTTP and on the control socket, sends
stores     what a command works with when no server runs
providers  the ways to the devices, as the credentials of each app name them
"""
