"""The thin shell around the two cores: HTTP, storage, commands. It imports the cores; nothing imports it."""
