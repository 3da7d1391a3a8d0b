//! Test certification authority, and TLS that records what it saw.
