//! The frames of `captures/pseudowires.pcap` come out of the preset `lsr` as their customers sent them, octet by octet.

mod cmd;

use cmd::{biplane, path, pcapng};

/// The records of a little-endian pcap file.
fn records(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[24..];
    let mut records = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(16) {
        let octets = u32::from_le_bytes(head[8..12].try_into().unwrap()) as usize;
        records.push(&after[..octets]);
        rest = &after[octets..];
    }
    records
}

/// What a record becomes: the customer's frame with the VLAN of its pseudowire, or the reason why it is dropped.
fn becomes(record: &[u8]) -> Result<Vec<u8>, &'static str> {
    let label = |at: usize| u32::from_be_bytes(record[at..at + 4].try_into().unwrap()) >> 12;
    assert_eq!((&record[12..14], label(14)), (&[0x88, 0x47][..], 1000));
    let beneath = &record[22..];
    let (vlan, inner) = match label(18) {
        2000 if beneath[0] >> 4 == 1 => return Err("pseudowire_ach"),
        2000 => (200u16, &beneath[4..]),
        2001 => (201, beneath),
        _ => return Err("unknown_label"),
    };
    // The priority of a tag beneath goes into the one pushed (IEEE 802.1Q §6.9); a short frame is padded where it leaves.
    let priority = match inner[12..14] {
        [0x81, 0x00] | [0x88, 0xa8] => u16::from(inner[14] & 0xf0) << 8,
        _ => 0,
    };
    let mut frame = [&inner[..12], &[0x81, 0x00], &(priority | vlan).to_be_bytes(), &inner[12..]].concat();
    frame.resize(frame.len().max(60), 0);
    Ok(frame)
}

#[test]
fn the_preset_lsr_ends_the_pseudowires_of_the_capture() {
    let capture = "captures/pseudowires.pcap";
    let folder = tempfile::tempdir().unwrap();
    let (left, dropped) = (folder.path().join("left.pcapng"), folder.path().join("dropped.pcapng"));
    let write = format!("lsr:b={}", path(&left));
    let args = ["replay", capture, "--through", "lsr", "--into", "a", "--observe", "lsr:b"];
    biplane(&[&args[..], &["--write", &write, "--out", path(&dropped)]].concat()).ok();
    let file = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(capture)).unwrap();
    let (mut frames, mut reasons) = (Vec::new(), Vec::new());
    for record in records(&file) {
        match becomes(record) {
            Ok(octets) => frames.push(octets),
            Err(reason) => reasons.push(reason),
        }
    }
    assert_eq!((frames.len(), reasons.len()), (31, 2));
    let written = pcapng::File::read(&left).packets;
    assert_eq!(written.len(), frames.len());
    for (number, (packet, frame)) in written.iter().zip(&frames).enumerate() {
        assert_eq!(&packet.octets, frame, "frame {number}");
    }
    let comments = pcapng::File::read(&dropped).packets;
    let comments: Vec<_> = comments.iter().filter_map(|packet| packet.comment.as_deref()).collect();
    for (comment, reason) in comments.iter().zip(&reasons) {
        assert!(comment.contains(reason), "{comments:?}");
    }
    assert_eq!(comments.len(), reasons.len());
}
