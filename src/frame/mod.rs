//! The frame: one cache line of typed fields over a body of octets; `parse` and `emit` are its edges.
