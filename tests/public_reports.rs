//! Faults that people reported in tools of this kind: for each the input, and what is right, on the real datapath.
//!
//! The letter and number of a test is that of the report (B: tags, C: labels, D: failover and hashing). A test names the fault, not the tool.

mod reported;
