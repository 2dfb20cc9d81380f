"""The ways to the devices (``ports.Provider``), each with one table from the provider's answers to verdicts."""
