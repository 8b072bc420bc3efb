"""What HTTP and timers call: one function a request, over the ports and the verified tenant."""
