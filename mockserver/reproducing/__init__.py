"""An exchange in the journal as code that sends it again, and as the stub, fault and fixture that repeat its answer."""
