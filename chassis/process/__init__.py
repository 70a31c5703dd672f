"""A service's process: settings, logs, server, health, reflection, errors on the wire, drain."""
