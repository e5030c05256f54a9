//! Scenario files: TOML as written, checked, and compiled to a network.
