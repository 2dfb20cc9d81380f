"""The adapters: records in SQL, facts in DuckDB."""
