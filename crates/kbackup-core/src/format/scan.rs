//! Reads a whole part, entry by entry, and compares it with the index: what a deep verification does.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest, Sha256};
use zstd::stream::write::Decoder;

use super::body::Contents;
use super::compressed::hex;
use super::read::too_large;
use super::{Access, FormatError, IndexLine, Manifest, PartRecord, entry_path};
use crate::limits::Limits;

/// What is wrong with a part.
#[derive(Debug, Default)]
pub struct PartScan {
    /// Each thing that is wrong, in words.
    pub problems: Vec<String>,
    /// The lines of the index, by their place in the list that was given, whose objects can't be read from the part.
    pub lost: Vec<usize>,
}

const BLOCK: usize = 512;
/// A pax record holds a path: a name of 253 bytes, percent-encoded, in a namespace, of a type.
const PAX_BYTES_MAX: u64 = 64 << 10;

/// Reads a part to its end: its size and digest, its compression, every entry of its tar, and whether each of `lines`
/// (those of the index that name this part) finds its object where it says, under its name, with its digest.
///
/// # Errors
/// `Store` where the store does not answer. What is wrong with the part is in the scan.
pub async fn scan_part(
    access: Access<'_>,
    manifest: &Manifest,
    part: &PartRecord,
    lines: &[&IndexLine],
    limits: &Limits,
) -> Result<PartScan, FormatError> {
    let places = lines.iter().enumerate().map(|(number, line)| (line.off, (number, *line))).collect();
    let walk = Walk::new(places, part.file.raw_bytes, limits.object_bytes_max);
    let mut scan = Scan { walk, problems: Vec::new() };
    match scan.read(access, manifest, part).await {
        Err(FormatError::Damaged { what, .. }) => scan.problems.push(what),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    let Scan { walk, mut problems } = scan;
    problems.extend(walk.problems);
    let mut lost: Vec<usize> = walk.places.into_values().map(|(number, _)| number).chain(walk.lost).collect();
    lost.sort_unstable();
    Ok(PartScan { problems, lost })
}

struct Scan<'a> {
    walk: Walk<'a>,
    problems: Vec<String>,
}

impl Scan<'_> {
    async fn read(&mut self, access: Access<'_>, manifest: &Manifest, part: &PartRecord) -> Result<(), FormatError> {
        let name = &manifest.name;
        let damaged = |error: io::Error| FormatError::damaged(name, format!("{}: {error}", part.file.key));
        let mut body = Contents::open(access, manifest, &part.file).await?;
        let mut decoder = Decoder::new(&mut self.walk).map_err(damaged)?;
        let mut decoded = Ok(());
        while let Some(piece) = body.next().await? {
            // After the first error the rest is read for its digest alone.
            if decoded.is_ok() {
                decoded = decoder.write_all(&piece);
            }
        }
        decoded = decoded.and_then(|()| decoder.flush());
        drop(decoder);
        let ended = decoded.and_then(|()| self.walk.end(part));
        if let Err(error) = ended {
            self.problems.push(format!("{}: {error}", part.file.key));
        }
        body.check()
    }
}

/// Walks through a tar that is written to it.
struct Walk<'a> {
    /// What the index expects, by the place of its JSON; what is found is taken out.
    places: BTreeMap<u64, (usize, &'a IndexLine)>,
    lost: Vec<usize>,
    problems: Vec<String>,
    position: u64,
    room: u64,
    object_bytes_max: u64,
    entries: u64,
    step: Step,
    /// The path that a pax record gives the next entry.
    long_path: Option<String>,
}

/// What the next bytes belong to.
enum Step {
    Header(Vec<u8>),
    Object(Entry),
    /// The body of a pax record.
    Pax {
        left: u64,
        body: Vec<u8>,
    },
    Padding(u64),
    /// After the first block of zeros.
    End,
}

struct Entry {
    path: String,
    off: u64,
    len: u64,
    left: u64,
    digest: Sha256,
}

impl<'a> Walk<'a> {
    fn new(places: BTreeMap<u64, (usize, &'a IndexLine)>, room: u64, object_bytes_max: u64) -> Self {
        Self {
            places,
            lost: Vec::new(),
            problems: Vec::new(),
            position: 0,
            room,
            object_bytes_max,
            entries: 0,
            step: Step::Header(Vec::new()),
            long_path: None,
        }
    }

    /// Whether the tar ended as a whole one does.
    fn end(&self, part: &PartRecord) -> io::Result<()> {
        if !matches!(self.step, Step::End) {
            return Err(io::Error::other("its tar ends in the middle"));
        }
        if self.entries != part.objects {
            let (found, stated) = (self.entries, part.objects);
            return Err(io::Error::other(format!("it has {found} objects, and the manifest says {stated}")));
        }
        Ok(())
    }

    /// Takes what belongs to the current step from the front of `bytes`, and says how many those are.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fit = |left: u64| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match &mut self.step {
            Step::Header(block) => {
                let taken = bytes.len().min(BLOCK - block.len());
                block.extend_from_slice(&bytes[..taken]);
                self.position += taken as u64;
                if block.len() == BLOCK {
                    let block = std::mem::take(block);
                    self.step = self.header(&block)?;
                }
                Ok(taken)
            }
            Step::Object(entry) => {
                let taken = fit(entry.left);
                entry.digest.update(&bytes[..taken]);
                entry.left -= taken as u64;
                self.position += taken as u64;
                if entry.left == 0 {
                    self.object_done();
                }
                Ok(taken)
            }
            Step::Pax { left, body } => {
                let taken = fit(*left);
                body.extend_from_slice(&bytes[..taken]);
                *left -= taken as u64;
                self.position += taken as u64;
                if *left == 0 {
                    self.long_path = pax_path(&std::mem::take(body));
                    self.step = self.padding();
                }
                Ok(taken)
            }
            Step::Padding(left) => {
                let taken = fit(*left);
                *left -= taken as u64;
                self.position += taken as u64;
                if *left == 0 {
                    self.step = Step::Header(Vec::new());
                }
                Ok(taken)
            }
            Step::End if bytes.iter().all(|byte| *byte == 0) => Ok(bytes.len()),
            Step::End => Err(io::Error::other("something follows the end of its tar")),
        }
    }

    fn header(&mut self, block: &[u8]) -> io::Result<Step> {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(Step::End);
        }
        let at = self.position - BLOCK as u64;
        let wrong = |why: &str| io::Error::other(format!("the tar entry at byte {at} {why}"));
        let header = tar::Header::from_byte_slice(block);
        if header.cksum()? != checksum(block) {
            return Err(wrong("has a header with a wrong checksum"));
        }
        let size = header.entry_size()?;
        match header.entry_type() {
            tar::EntryType::Regular if size <= self.object_bytes_max => {
                let path = String::from_utf8_lossy(&header.path_bytes()).into_owned();
                let path = self.long_path.take().unwrap_or(path);
                if path.starts_with('/') || path.split('/').any(|segment| segment == "..") {
                    return Err(wrong("has a path that leads out of the archive"));
                }
                self.entries += 1;
                let entry = Entry { path, off: self.position, len: size, left: size, digest: Sha256::new() };
                Ok(self.begin(entry))
            }
            tar::EntryType::XHeader if size <= PAX_BYTES_MAX => Ok(Step::Pax { left: size, body: Vec::new() }),
            tar::EntryType::Regular | tar::EntryType::XHeader => Err(wrong("is too large")),
            _ => Err(wrong("is neither a file nor a pax record")),
        }
    }

    fn begin(&mut self, entry: Entry) -> Step {
        let empty = entry.left == 0;
        self.step = Step::Object(entry);
        if empty {
            self.object_done();
        }
        std::mem::replace(&mut self.step, Step::End)
    }

    /// Compares an entry with the line of the index that names its place. An entry that no line names is one of a list
    /// that began anew.
    fn object_done(&mut self) {
        let next = self.padding();
        let Step::Object(entry) = std::mem::replace(&mut self.step, next) else { return };
        let Some((number, line)) = self.places.remove(&entry.off) else { return };
        let why = if entry.len != line.len {
            format!("has {} bytes, and the index says {}", entry.len, line.len)
        } else if hex(&entry.digest.finalize()) != line.sha256 {
            "is not what was written (its digest differs)".to_owned()
        } else if entry.path != entry_path(&line.gvr, line.ns.as_deref(), &line.name) {
            format!("is called {} in the part", entry.path)
        } else {
            return;
        };
        self.problems.push(format!("{} {why}", line.object()));
        self.lost.push(number);
    }

    fn padding(&self) -> Step {
        match self.position.next_multiple_of(BLOCK as u64) - self.position {
            0 => Step::Header(Vec::new()),
            left => Step::Padding(left),
        }
    }
}

impl Write for Walk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.take(rest)?;
            rest = &rest[taken..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sum of the bytes of a header, the field of the sum itself counted as spaces.
fn checksum(block: &[u8]) -> u32 {
    let value = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    block.iter().enumerate().map(value).sum()
}

/// The path of a pax record: lines of `<length> <key>=<value>`.
fn pax_path(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned))
}
