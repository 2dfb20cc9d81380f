"""The facts of one machine, in DuckDB."""

from openrate.storage.duckdb.log import DuckdbLog

__all__ = ["DuckdbLog"]
