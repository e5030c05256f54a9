//! The reports by subject, and a router with a host at each port to put their frames through.

mod captured;
mod hashing;
mod lab;
mod labels;
mod labels_at_the_edge;
mod octets;
mod tags;
mod tags_in_and_out;
