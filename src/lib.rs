//! biplane: a packet-level datapath emulator of private cloud interconnects.
//!
//! Frames walk in at the bottom, reports walk out at the top: each module uses only those named before it.
//!
//! ```text
//! time id rng                 instants, index types, seeded streams
//! wire                        checked views of headers, and their emitters
//! frame  table  capture       the frame as typed fields; what forwarding looks up; capture files
//! port  traffic  control      queues, policers, faults; sources of frames and counters of them; protocols of routers
//! node                        the datapath, routers, hosts
//! engine                      links, threads, the virtual clock; the reference engine
//! report                      plain data to text and JSON
//! scenario                    TOML to a network
//! cli                         one module per command
//! ```

pub mod capture;
pub mod cli;
pub mod control;
pub mod engine;
pub mod frame;
pub mod id;
pub mod node;
pub mod port;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod table;
pub mod time;
pub mod traffic;
pub mod wire;
