"""What an operator can ask: each command once, for a running server and for a process that works alone.

A command is a request, which is also what goes over the control socket, and a function that answers it in
plain JSON types: what ``--json`` prints.
"""
