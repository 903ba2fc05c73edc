//! Decompression as bytes arrive: zstd, as kbackup writes, or gzip, as Velero does.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use zstd::stream::write::Decoder;

use crate::store::Key;

/// Writes what is written to it, decompressed, to another writer.
pub(super) enum Inflater<W: Write> {
    Zstd(Decoder<'static, W>),
    Gzip(Box<MultiGzDecoder<W>>),
}

impl<W: Write> Inflater<W> {
    /// The decompressor of the file `key`, by the end of its name.
    pub(super) fn of(key: &Key, to: W) -> io::Result<Self> {
        if key.as_str().ends_with(".gz") {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(to))));
        }
        Decoder::new(to).map(Self::Zstd)
    }

    /// What it writes to.
    pub(super) fn get_mut(&mut self) -> &mut W {
        match self {
            Self::Zstd(decoder) => decoder.get_mut(),
            Self::Gzip(decoder) => decoder.get_mut(),
        }
    }

    /// Ends the file: a gzip must be complete, and its checksum right. The digest of the manifest says so of a zstd file.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(decoder) => decoder.flush(),
            Self::Gzip(decoder) => decoder.try_finish(),
        }
    }
}

impl<W: Write> Write for Inflater<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(decoder) => decoder.write(bytes),
            Self::Gzip(decoder) => decoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(decoder) => decoder.flush(),
            Self::Gzip(decoder) => decoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(key: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut inflater = Inflater::of(&key.parse().unwrap(), Vec::new())?;
        // Byte by byte, as the most awkward store would give them.
        bytes.iter().try_for_each(|byte| inflater.write_all(&[*byte]))?;
        inflater.end()?;
        Ok(std::mem::take(inflater.get_mut()))
    }

    #[test]
    fn the_name_says_how_a_file_is_compressed() {
        let text = b"the same bytes".repeat(100);
        assert_eq!(inflate("b/part.tar.zst", &zstd::encode_all(&*text, 3).unwrap()).unwrap(), text);
        assert_eq!(inflate("b/b.tar.gz", &gzip(&text)).unwrap(), text);
        assert!(inflate("b/b.tar.gz", &zstd::encode_all(&*text, 3).unwrap()).is_err());
    }

    #[test]
    fn a_gzip_is_whole_or_an_error() {
        let text = b"the same bytes".repeat(100);
        let whole = gzip(&text);
        for length in 0..whole.len() {
            assert!(inflate("b.gz", &whole[..length]).is_err(), "cut to {length} bytes");
        }
        let mut flipped = whole.clone();
        let checksum = whole.len() - 6;
        flipped[checksum] ^= 1;
        assert!(inflate("b.gz", &flipped).is_err(), "a wrong checksum");
        assert!(inflate("b.gz", &[&whole[..], b"more"].concat()).is_err(), "something behind it");
        assert_eq!(inflate("b.gz", &[&whole[..], &whole[..]].concat()).unwrap(), text.repeat(2), "two members");
    }
}
