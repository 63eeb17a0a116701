"""The job store on JetStream KV, and passwords as they are kept in it."""
