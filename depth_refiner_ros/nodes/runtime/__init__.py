"""What every node runs on: lifecycle, worker thread, mailbox, parameters, QoS, diagnostics."""
