//! Checked views of headers and their emitters, per protocol; no view panics for any octets.
