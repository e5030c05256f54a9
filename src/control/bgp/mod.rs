//! BGP-4 (RFC 4271) as a router's control plane speaks it: messages as plain data, and their octets.

pub mod message;
pub mod session;
pub mod update;

pub use message::{GracefulRestart, Message, Notification, Open, Peering, decode, encode, length};
pub use session::{Cease, Command, Counts, Messages, Negotiated, Session, SessionConfig, State, TcpFailure, Why};
pub use update::{EncodeError, Fault, Treatment, Update, encode_update};
