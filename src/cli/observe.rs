//! Writing what passes observed ports, and what was dropped and why, as pcapng.

use super::interrupt::INTERRUPTED;
use super::{Failure, unwritable};
use crate::capture::{CaptureTime, CaptureWriter, Direction, PortStatistics, Stamps, WriteInterface};
use crate::engine::{Network, Observe, Outcome, Seen};
use crate::frame::DropCounts;
use crate::id::{NodeId, PortId};
use crate::scenario::{Compiled, Place};
use crate::wire::ethernet::FCS_OCTETS;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// What passes `ports`, and all drops, into `files`; nothing is observed without a file. One that fails ends the run.
pub(super) fn into_files<'f>(
    files: &'f mut [PortFile],
    ports: impl FnOnce() -> Vec<(NodeId, PortId)>,
) -> Option<Observe<'f>> {
    if files.is_empty() {
        return None;
    }
    let sink = Box::new(|seen: &Seen, octets: &[u8]| {
        let mut all_well = true;
        files.iter_mut().for_each(|file| all_well &= file.write(seen, octets));
        if !all_well {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
    });
    Some(Observe { ports: ports(), drops: true, sink })
}

/// A file under way.
pub(super) struct PortFile {
    path: PathBuf,
    writer: Option<CaptureWriter<File>>,
    /// Per node and port, its interface; `None` for ports that this file does not have.
    interfaces: Vec<Vec<Option<u32>>>,
    ports: Vec<(NodeId, PortId)>,
    /// Per interface, what was dropped there, by whatever part of the node.
    drops: Vec<DropCounts>,
    /// Per source, how drop comments call it.
    sources: Vec<String>,
    comment: String,
    failed: Option<io::Error>,
}

impl PortFile {
    /// Creates `path` with an interface for each of `sent`, whose frames are written as they leave, and then for each of
    /// `others`, where only dropped frames are.
    pub(super) fn create(
        path: &Path,
        network: &Network,
        sent: &[(NodeId, PortId)],
        others: &[(NodeId, PortId)],
        sources: Vec<String>,
        (epoch, stamps): (CaptureTime, Stamps),
    ) -> io::Result<Self> {
        let ports: Vec<_> = sent.iter().chain(others).copied().collect();
        let mut interfaces: Vec<Vec<Option<u32>>> =
            network.nodes.iter().map(|node| vec![None; node.ports.len()]).collect();
        for (number, (node, port)) in ports.iter().enumerate() {
            interfaces[node.index()][port.index()] = Some(number as u32);
        }
        let described: Vec<_> = ports.iter().map(|&port| describe(network, port, sent.contains(&port))).collect();
        let writer = CaptureWriter::with_stamps(File::create(path)?, &described, epoch, stamps)?;
        let (path, comment) = (path.to_owned(), String::new());
        let drops = vec![DropCounts::default(); ports.len()];
        Ok(PortFile { path, writer: Some(writer), interfaces, ports, drops, sources, comment, failed: None })
    }

    /// Writes a frame, if its port is in this file; whether all is well.
    pub(super) fn write(&mut self, seen: &Seen, octets: &[u8]) -> bool {
        use std::fmt::Write;
        let Some(interface) = self.interfaces[seen.node.index()][seen.at.port().index()] else { return true };
        let Some(writer) = &mut self.writer else { return false };
        let length = octets.len() as u32;
        let written = match seen.dropped {
            None => writer.packet(interface, seen.time, Direction::Outbound, length, octets, None),
            Some(reason) => {
                self.drops[interface as usize].add(reason, length as u16 + FCS_OCTETS);
                self.comment.clear();
                let source = self.sources.get(seen.stream.source()).map_or("", String::as_str);
                let _ = write!(self.comment, "dropped: {reason} (record {} of {source})", seen.seq);
                writer.packet(interface, seen.time, Direction::Unknown, length, octets, Some(&self.comment))
            }
        };
        if let Err(error) = written {
            self.failed = Some(error);
            self.writer = None;
        }
        self.failed.is_none()
    }

    /// Writes the drop counts of each port and ends the file.
    pub(super) fn finish(self, outcome: &Outcome) -> Result<(), String> {
        let PortFile { path, writer, ports, drops, failed, .. } = self;
        let ended = outcome.ended;
        let end = |mut writer: CaptureWriter<File>| -> io::Result<()> {
            for (number, ((node, port), drops)) in ports.iter().zip(&drops).enumerate() {
                let port = &outcome.nodes[node.index()].ports[port.index()];
                let reasons = drops.iter().map(|(reason, frames)| format!("{frames} {reason}"));
                let comment = reasons.collect::<Vec<_>>().join(", ");
                let counts = PortStatistics { received: port.received.frames, dropped: drops.total(), comment };
                writer.statistics(number as u32, ended, &counts)?;
            }
            writer.finish().map(drop)
        };
        let result = match (failed, writer) {
            (Some(error), _) => Err(error),
            (None, Some(writer)) => end(writer),
            (None, None) => Ok(()),
        };
        result.map_err(|error| unwritable(&path, &error))
    }
}

fn describe(network: &Network, at: (NodeId, PortId), sent: bool) -> WriteInterface {
    let peer = network.links.iter().find(|link| link.from == at).map(|link| network.port_name(link.to));
    let description = match (sent, peer) {
        (true, Some(peer)) => format!("what left towards {peer}, and what was dropped at the port"),
        (true, None) => "nothing is linked here: what was dropped at the port".into(),
        (false, _) => "what was dropped at the port".into(),
    };
    WriteInterface { name: network.port_name(at), description, speed_bps: network.port(at).speed.bps() }
}

/// The ports that `name` stands for: one, or those that send to a host.
pub(super) fn senders(name: &str, compiled: &Compiled) -> Result<Vec<(NodeId, PortId)>, Failure> {
    match compiled.find(name).map_err(Failure::Usage)? {
        Place::Port(node, port) => Ok(vec![(node, port)]),
        // What a host is given leaves by the other ends of the links that end at it.
        Place::Host(node) => {
            let links = compiled.network.links.iter().filter(|link| link.to.0 == node);
            Ok(links.map(|link| link.from).collect())
        }
    }
}

/// What `--write PORT=FILE` means.
pub(super) fn written(text: &str, compiled: &Compiled) -> Result<(Vec<(NodeId, PortId)>, PathBuf), Failure> {
    let Some((name, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
        return Err(Failure::Usage(format!("--write {text}: write PORT=FILE, such as london.primary=primary.pcapng")));
    };
    Ok((senders(name, compiled)?, path.into()))
}

/// What is read must not be written, for it would be gone before its first octet; nor is one file written twice.
pub(super) fn refuse_overwriting<'p>(read: &[PathBuf], files: impl Iterator<Item = &'p Path>) -> Result<(), Failure> {
    let mut written = Vec::new();
    for path in files {
        let (name, file) = (path.display(), settled(path));
        if path.as_os_str() == "-" {
            return Err(Failure::Usage("`-` is no file to write to: the report goes to standard output".into()));
        }
        if read.contains(&file) {
            return Err(Failure::Usage(format!("{name} is read by this replay: write to another file")));
        }
        // Two writers of a pipe or a terminal do not undo each other.
        if written.contains(&file) && !path.exists() | path.is_file() {
            return Err(Failure::Usage(format!("{name} is to be written twice: name two files")));
        }
        written.push(file);
    }
    Ok(())
}

/// The file that `path` is or will be, whatever it is written like.
fn settled(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().unwrap_or_else(|_| match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    })
}
