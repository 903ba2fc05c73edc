//! Reads a tarball of Velero's as its bytes arrive, and makes the index of it. One object is in memory at a time.
//!
//! A tarball comes from a bucket, so it is believed in nothing: its size, its paths, what kinds of entries it has, and
//! whether an object is the one that its path names.

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use crate::format::compressed::hex;
use crate::format::{IndexLine, IndexReader};
use crate::model::{Gvr, Object};

const BLOCK: usize = 512;
/// An object is at most a few MiB in etcd.
const ENTRY_BYTES_MAX: u64 = 64 << 20;
/// A path is at most a few hundred bytes.
const PATH_BYTES_MAX: u64 = 64 << 10;

/// What a tarball holds.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// What `metadata/version` says; backups of the first versions don't have it.
    pub(super) version: Option<String>,
    /// The objects.
    pub(super) index: IndexReader,
}

/// Takes the bytes of a tar archive, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Scan {
    room: u64,
    at: u64,
    state: State,
    /// What must be whole before it is understood: a header, or the content of an entry.
    gathered: Vec<u8>,
    /// What an extended header says of the entry after it.
    extended: Extended,
    found: Scanned,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Header,
    Keep {
        what: What,
        off: u64,
        len: usize,
    },
    Skip {
        left: u64,
    },
    Ended,
}

/// An entry whose content is needed.
#[derive(Debug)]
enum What {
    Object(Place),
    Version,
    Extended,
    LongName,
}

/// What a path says of the object in it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: String,
    group: String,
    plural: String,
    namespace: Option<String>,
    name: String,
}

#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Scan {
    /// Of an archive that is at most `room` bytes long.
    pub(super) fn new(room: u64) -> Self {
        Self { room, ..Self::default() }
    }

    /// What was found.
    ///
    /// # Errors
    /// Where the archive has no end.
    pub(super) fn finish(self) -> io::Result<Scanned> {
        match self.state {
            State::Ended => Ok(self.found),
            _ => Err(wrong("it ends too early: the end of the archive is missing")),
        }
    }

    /// Takes what belongs to the present state, and tells how many bytes that was.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = match &self.state {
            State::Header => BLOCK - self.gathered.len(),
            State::Keep { len, .. } => len - self.gathered.len(),
            State::Skip { left } => usize::try_from(*left).unwrap_or(usize::MAX),
            State::Ended => usize::MAX,
        };
        let taken = &bytes[..bytes.len().min(wanted)];
        match &mut self.state {
            State::Header | State::Keep { .. } => self.gathered.extend_from_slice(taken),
            State::Skip { left } => *left -= taken.len() as u64,
            State::Ended => {}
        }
        self.at += taken.len() as u64;
        if taken.len() == wanted {
            self.advance()?;
        }
        Ok(taken.len())
    }

    fn advance(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        self.state = match std::mem::take(&mut self.state) {
            State::Header => self.begin(&gathered)?,
            State::Keep { what, off, len } => {
                self.keep(what, off, gathered)?;
                State::skip((len.next_multiple_of(BLOCK) - len) as u64)
            }
            State::Skip { .. } => State::Header,
            State::Ended => State::Ended,
        };
        Ok(())
    }

    /// Begins an entry: whether its content is needed.
    fn begin(&mut self, block: &[u8]) -> io::Result<State> {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(State::Ended);
        }
        let header = Header::from_byte_slice(block);
        check_sum(header).ok_or_else(|| wrong(format!("there is no entry at byte {}", self.at - BLOCK as u64)))?;
        let size = header.entry_size()?;
        match header.entry_type() {
            EntryType::XHeader => self.gather(What::Extended, size, PATH_BYTES_MAX, "an extended header"),
            EntryType::GNULongName => self.gather(What::LongName, size, PATH_BYTES_MAX, "a long name"),
            EntryType::XGlobalHeader => Ok(State::skip(blocks(size))),
            kind => self.begin_file(header, kind, size),
        }
    }

    fn begin_file(&mut self, header: &Header, kind: EntryType, size: u64) -> io::Result<State> {
        let extended = std::mem::take(&mut self.extended);
        let path = extended.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let path = String::from_utf8(path).map_err(|_| wrong("a path in it is not UTF-8"))?;
        let what = what(&path).map_err(|why| wrong(format!("{path:?} {why}")))?;
        let size = extended.size.unwrap_or(size);
        match kind {
            EntryType::Directory => Ok(State::skip(blocks(size))),
            EntryType::Regular => match what {
                Some(what) => self.gather(what, size, ENTRY_BYTES_MAX, &path),
                None if size > ENTRY_BYTES_MAX => Err(too_large(&path, size)),
                None => Ok(State::skip(blocks(size))),
            },
            _ => Err(wrong(format!("{path:?} is a link or a device, and Velero writes files only"))),
        }
    }

    fn gather(&self, what: What, size: u64, size_max: u64, path: &str) -> io::Result<State> {
        match usize::try_from(size) {
            Ok(len) if size <= size_max => Ok(State::Keep { what, off: self.at, len }),
            _ => Err(too_large(path, size)),
        }
    }

    fn keep(&mut self, what: What, off: u64, content: Vec<u8>) -> io::Result<()> {
        match what {
            What::Object(place) => self.found.index.push(place.line(off, content)?),
            What::Version => {
                let text = String::from_utf8(content).map_err(|_| wrong("metadata/version is not text"))?;
                self.found.version = Some(text.trim().to_owned());
            }
            What::LongName => {
                self.extended.path = Some(content.into_iter().take_while(|byte| *byte != 0).collect());
            }
            What::Extended => self.extend(&content)?,
        }
        Ok(())
    }

    fn extend(&mut self, records: &[u8]) -> io::Result<()> {
        for record in tar::PaxExtensions::new(records) {
            let record = record?;
            match record.key_bytes() {
                b"path" => self.extended.path = Some(record.value_bytes().to_vec()),
                b"size" => {
                    let size = record.value().ok().and_then(|size| size.parse().ok());
                    self.extended.size = Some(size.ok_or_else(|| wrong("an entry in it has a size that is none"))?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Write for Scan {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self
            .room
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| wrong("it decompresses to more than a backup of its size can hold"))?;
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

impl State {
    fn skip(left: u64) -> Self {
        if left == 0 { Self::Header } else { Self::Skip { left } }
    }
}

impl Place {
    /// The line of the index of the object, which must be the one that the path names.
    fn line(&self, off: u64, content: Vec<u8>) -> io::Result<IndexLine> {
        let sha256 = hex(&Sha256::digest(&content));
        let object = Object::parse(content).map_err(|error| wrong(format!("{:?}: {error}", self.path)))?;
        let (gvk, meta) = (object.gvk(), object.meta());
        let agrees = meta.name == self.name && meta.namespace == self.namespace && gvk.group == self.group;
        if !agrees || gvk.version.is_empty() {
            return Err(wrong(format!("{:?} holds another object: {object} of {:?}", self.path, meta.api_version)));
        }
        let gvr = Gvr::new(&self.group, &gvk.version, &self.plural);
        Ok(IndexLine::of(&gvr, &object, 1, off, sha256))
    }
}

/// What a path is of; `None` where nobody asks for it: the second copies in the folders of versions, and whatever plugins
/// add.
fn what(path: &str) -> Result<Option<What>, &'static str> {
    let plain = path.strip_prefix("./").unwrap_or(path);
    if plain.starts_with('/') || plain.split('/').any(|segment| segment == "..") {
        return Err("leads out of the archive");
    }
    if plain.chars().any(char::is_control) {
        return Err("has a control character in it");
    }
    let place = |resource: &str, namespace: Option<&str>, file: &str| {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        let name = file.strip_suffix(".json")?;
        Some(What::Object(Place {
            path: plain.to_owned(),
            group: group.to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }))
    };
    Ok(match plain.split('/').collect::<Vec<_>>()[..] {
        ["metadata", "version"] => Some(What::Version),
        ["resources", resource, "cluster", file] => place(resource, None, file),
        ["resources", resource, "namespaces", namespace, file] => place(resource, Some(namespace), file),
        _ => None,
    })
}

/// `Some` where the header is one: its checksum is right.
fn check_sum(header: &Header) -> Option<()> {
    let mut again = header.clone();
    again.set_cksum();
    (header.cksum().ok()? == again.cksum().ok()?).then_some(())
}

fn blocks(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
}

fn too_large(path: &str, size: u64) -> io::Error {
    wrong(format!("{path:?} is an entry of {size} bytes, and no object is larger than 64 MiB"))
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG_MAP: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}"#;
    const DEPLOYMENT: &str =
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}"#;

    fn header(size: u64, kind: EntryType) -> Header {
        let mut header = Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o755);
        header.set_entry_type(kind);
        header
    }

    /// A file by a path that no check has seen.
    fn file(path: &str, content: &str) -> Vec<u8> {
        entry(path, content.as_bytes(), header(content.len() as u64, EntryType::Regular))
    }

    fn entry(path: &str, content: &[u8], mut header: Header) -> Vec<u8> {
        let name = &mut header.as_ustar_mut().unwrap().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        let mut bytes = [header.as_bytes(), content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn scan(entries: &[Vec<u8>]) -> io::Result<Scanned> {
        let tar = [entries.concat(), vec![0; 2 * BLOCK]].concat();
        scan_bytes(&tar, 7)
    }

    fn scan_bytes(tar: &[u8], piece: usize) -> io::Result<Scanned> {
        let mut scan = Scan::new(1 << 20);
        tar.chunks(piece).try_for_each(|piece| scan.write_all(piece))?;
        scan.finish()
    }

    fn places(scanned: Scanned) -> Vec<String> {
        let lines = scanned.index.finish().unwrap();
        lines.iter().map(|line| format!("{} {} {}+{}", line.gvr, line.object(), line.off, line.len)).collect()
    }

    #[test]
    fn plain_paths_are_the_objects() {
        let entries = [
            file("metadata/version", "1.1.0\n"),
            file("resources/deployments.apps/namespaces/shop/web.json", DEPLOYMENT),
            file("resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json", DEPLOYMENT),
            file("./resources/configmaps/namespaces/shop/a.json", CONFIG_MAP),
            entry("resources/", b"", header(0, EntryType::Directory)),
            file("resources/configmaps/cluster/README", "not an object"),
            file("anything/else.json", "not an object"),
        ];
        let scanned = scan(&entries).unwrap();
        assert_eq!(scanned.version.as_deref(), Some("1.1.0"));
        assert_eq!(
            places(scanned),
            [
                format!("v1/configmaps configmaps/shop/a 3584+{}", CONFIG_MAP.len()),
                format!("apps/v1/deployments deployments.apps/shop/web 1536+{}", DEPLOYMENT.len()),
            ]
        );
        let tar = [entries.concat(), vec![0; 2 * BLOCK]].concat();
        for piece in [1, 511, 512, 513, tar.len()] {
            assert_eq!(places(scan_bytes(&tar, piece).unwrap()).len(), 2, "in pieces of {piece}");
        }
    }

    #[test]
    fn long_paths_are_read_as_every_tar_writes_them() {
        let long = "x".repeat(253);
        let config_map = CONFIG_MAP.replace("\"a\"", &format!("{long:?}"));
        let path = format!("resources/configmaps/namespaces/shop/{long}.json");
        let mut pax = tar::Builder::new(Vec::new());
        pax.append_pax_extensions([("path", path.as_bytes()), ("mtime", b"1.5".as_slice())]).unwrap();
        let pax = [std::mem::take(pax.get_mut()), file("short", &config_map)].concat();
        let mut gnu = header(path.len() as u64 + 1, EntryType::GNULongName);
        gnu.set_mode(0);
        let gnu = [entry("././@LongLink", format!("{path}\0").as_bytes(), gnu), file("short", &config_map)].concat();
        for (what, entry) in [("pax", pax), ("gnu", gnu)] {
            let found = places(scan(&[entry]).unwrap());
            assert!(found[0].contains(&long), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_hostile_archive_is_refused_with_the_place() {
        let link = |kind| entry("resources/configmaps/namespaces/shop/a.json", b"", header(0, kind));
        let huge = |path| entry(path, b"", header(1 << 40, EntryType::Regular));
        let mut broken = file("resources/configmaps/namespaces/shop/a.json", CONFIG_MAP);
        broken[0] ^= 1;
        let elsewhere = "resources/configmaps/namespaces/other/a.json";
        for (what, entries, place) in [
            ("a way out", vec![file("resources/../../etc/passwd", "x")], "resources/../../etc/passwd"),
            ("a way out of what nobody asks for", vec![file("a/../b", "x")], "a/../b"),
            ("an absolute path", vec![file("/etc/passwd", "x")], "/etc/passwd"),
            ("a line break", vec![file("resources/a\nb", "x")], "resources/a\\nb"),
            ("a symbolic link", vec![link(EntryType::Symlink)], "shop/a.json"),
            ("a hard link", vec![link(EntryType::Link)], "shop/a.json"),
            ("a device", vec![link(EntryType::Char)], "shop/a.json"),
            ("a huge object", vec![huge("resources/configmaps/namespaces/shop/a.json")], "1099511627776"),
            ("a huge entry that nobody asks for", vec![huge("other")], "other"),
            ("a broken header", vec![broken], "byte 0"),
            ("another object", vec![file(elsewhere, CONFIG_MAP)], elsewhere),
            ("no object", vec![file(elsewhere, "[]")], elsewhere),
            ("no JSON", vec![file(elsewhere, "{")], elsewhere),
        ] {
            let error = scan(&entries).expect_err(what).to_string();
            assert!(error.contains(place), "{what}: {error}");
        }
    }

    #[test]
    fn an_archive_ends_with_its_end() {
        let tar = [file("resources/configmaps/namespaces/shop/a.json", CONFIG_MAP), vec![0; 2 * BLOCK]].concat();
        for length in 0..tar.len() - 2 * BLOCK {
            assert!(scan_bytes(&tar[..length], 512).is_err(), "cut to {length} bytes");
        }
    }

    #[test]
    fn an_archive_is_bounded() {
        let mut scan = Scan::new(2 * BLOCK as u64);
        scan.write_all(&[0; 2 * BLOCK]).unwrap();
        assert!(scan.write_all(&[0]).is_err(), "one byte more than there is room for");
    }

    #[test]
    fn an_object_twice_is_told() {
        let twice = file("resources/configmaps/namespaces/shop/a.json", CONFIG_MAP);
        assert!(scan(&[twice.clone(), twice]).unwrap().index.finish().is_err());
    }
}
