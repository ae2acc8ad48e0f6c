"""Our verifiers inside other harnesses; each module imports its harness, which is not a dependency."""
