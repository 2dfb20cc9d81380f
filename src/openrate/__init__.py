"""Openrate: a self-hosted push-campaign service whose numbers can be trusted."""

__version__ = "0.1.0"
