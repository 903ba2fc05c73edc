//! Entries of a tarball as Go's tar writer makes them, which is what Velero's are.

use std::io;

use tar::{EntryType, Header};

use crate::model::Gvr;

const BLOCK: usize = 512;

/// The two places of an object: the plain one, and the one in the folder of its version, which is the one that the server
/// preferred.
pub(super) fn object_paths(gvr: &Gvr, namespace: Option<&str>, name: &str) -> [String; 2] {
    let place = match namespace {
        Some(namespace) => format!("namespaces/{namespace}/{name}.json"),
        None => format!("cluster/{name}.json"),
    };
    let resource = gvr.group_resource();
    [format!("resources/{resource}/{place}"), format!("resources/{resource}/{}-preferredversion/{place}", gvr.version)]
}

/// A file with its header, filled up to whole blocks.
///
/// # Errors
/// Where the path can't stand in an archive.
pub(super) fn entry(path: &str, content: &[u8], mtime: u64) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_device_major(0)?;
    header.set_device_minor(0)?;
    header.set_mtime(mtime);
    header.set_size(content.len() as u64);
    let mut bytes = Vec::new();
    if header.set_path(path).is_err() {
        // Too long for the header of a ustar archive: a pax record before it has the path, and wins.
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("path", path.as_bytes())])?;
        bytes = std::mem::take(builder.get_mut());
        header.set_path("resources/long.json")?;
    }
    seal(&mut header);
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    Ok(bytes)
}

/// The end of an archive.
pub(super) fn end() -> [u8; 2 * BLOCK] {
    [0; 2 * BLOCK]
}

/// The checksum in six digits, a zero and a space, as POSIX has it.
fn seal(header: &mut Header) {
    let field = &mut header.as_old_mut().cksum;
    *field = *b"        ";
    let sum: u32 = header.as_bytes().iter().map(|byte| u32::from(*byte)).sum();
    let digits = format!("{sum:06o}\0 ");
    header.as_old_mut().cksum.copy_from_slice(digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_go_writes() {
        let bytes = entry("metadata/version", b"1.1.0\n", 0o15_301_005_462).unwrap();
        assert_eq!(bytes.len(), 2 * BLOCK);
        assert_eq!(&bytes[..17], b"metadata/version\0");
        assert_eq!(
            &bytes[100..157],
            b"0000755\x000000000\x000000000\x0000000000006\x0015301005462\x00012427\x00 0".as_slice()
        );
        assert_eq!(&bytes[257..265], b"ustar\x0000");
        assert_eq!(&bytes[329..345], b"0000000\x000000000\x00");
    }

    #[test]
    fn every_name_that_kubernetes_takes_has_its_paths() {
        let roles = Gvr::new("rbac.authorization.k8s.io", "v1", "roles");
        for name in ["system:reader".to_owned(), "x".repeat(253), "ünicode".to_owned()] {
            for path in object_paths(&roles, Some("shop"), &name) {
                let tar = [entry(&path, b"{}", 0).unwrap(), end().to_vec()].concat();
                let mut archive = tar::Archive::new(&*tar);
                let read = archive.entries().unwrap().next().unwrap().unwrap();
                assert_eq!(read.path().unwrap().to_string_lossy(), path);
            }
        }
    }
}
