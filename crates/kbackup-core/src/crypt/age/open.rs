//! Reading encrypted files, in pieces as they come.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use age::stream::StreamReader;
use age::{DecryptError, Decryptor};
use bytes::Bytes;

use super::super::{Identities, OpenError, Step};
use super::lock::WORK_MAX;

/// A header has a line or two for each recipient: hundreds fit. What has more is not ours, and costs too much to try.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// What stands between the header and the payload.
const NONCE_BYTES: usize = 16;

/// Opens one encrypted file: takes it in pieces, and gives what is in it in pieces. Each was authenticated before it is
/// given; that nothing is missing is known at the end.
pub(crate) struct Opener {
    identities: Identities,
    inlet: Inlet,
    state: State,
}

enum State {
    /// What is there of the header.
    Header(Vec<u8>),
    Payload(Box<StreamReader<Inlet>>),
}

impl Opener {
    pub(crate) fn new(identities: Identities) -> Self {
        Self { identities, inlet: Inlet::default(), state: State::Header(Vec::new()) }
    }

    /// Takes the next piece of the file.
    pub(crate) fn feed(&mut self, piece: Bytes) {
        match &mut self.state {
            State::Header(bytes) => bytes.extend_from_slice(&piece),
            State::Payload(_) => self.inlet.with(|inlet| inlet.pieces.push_back(piece)),
        }
    }

    /// Says that there are no more pieces.
    pub(crate) fn end(&mut self) {
        self.inlet.with(|inlet| inlet.ended = true);
    }

    /// Gives at most so many bytes.
    pub(crate) fn read(&mut self, bytes_max: usize) -> Result<Step, OpenError> {
        if let State::Header(bytes) = &mut self.state {
            if header_end(bytes).is_none_or(|end| bytes.len() < end + NONCE_BYTES) {
                return self.wait_for_header();
            }
            let bytes = std::mem::take(bytes);
            self.begin(bytes.into())?;
        }
        let State::Payload(stream) = &mut self.state else { return Ok(Step::Hungry) };
        let mut buffer = vec![0; bytes_max];
        match stream.read(&mut buffer) {
            Ok(0) => Ok(Step::End),
            Ok(length) => {
                buffer.truncate(length);
                Ok(Step::Bytes(buffer.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Step::Hungry),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(damaged("it ends too early")),
            Err(_) => Err(damaged("it is not what was encrypted")),
        }
    }

    fn wait_for_header(&self) -> Result<Step, OpenError> {
        let State::Header(bytes) = &self.state else { return Ok(Step::Hungry) };
        if !looks_like_age(bytes) {
            return Err(damaged("it is not an encrypted file, and it should be one"));
        }
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(damaged("its age header is too long"));
        }
        match self.inlet.with(|inlet| inlet.ended) {
            true => Err(damaged("it ends within its age header")),
            false => Ok(Step::Hungry),
        }
    }

    fn begin(&mut self, bytes: Bytes) -> Result<(), OpenError> {
        if header_end(&bytes).is_some_and(|end| end > HEADER_BYTES_MAX) {
            return Err(damaged("its age header is too long"));
        }
        self.inlet.with(|inlet| inlet.pieces.push_front(bytes));
        let decryptor = Decryptor::new(self.inlet.clone()).map_err(|error| refused(&error))?;
        let stream = decryptor.decrypt(self.identities.as_age()).map_err(|error| refused(&error))?;
        self.state = State::Payload(Box::new(stream));
        Ok(())
    }
}

/// Whether these bytes can begin an age file.
fn looks_like_age(bytes: &[u8]) -> bool {
    let magic = b"age-encryption.org/";
    let length = bytes.len().min(magic.len());
    bytes[..length] == magic[..length]
}

/// Where the header ends: behind the line of its check sum.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.windows(5).position(|window| window == b"\n--- ")? + 1;
    let end = bytes[last..].iter().position(|byte| *byte == b'\n')?;
    Some(last + end + 1)
}

/// In our words: the library's own are of several lines, and in the language of the machine.
pub(super) fn refused(error: &DecryptError) -> OpenError {
    match error {
        DecryptError::NoMatchingKeys => OpenError::NoKey,
        DecryptError::ExcessiveWork { required, .. } => damaged(&format!(
            "its passphrase is said to cost 2^{required} units of work, and at most 2^{WORK_MAX} are done"
        )),
        DecryptError::UnknownFormat => damaged("it is of an age format that this kbackup does not know"),
        DecryptError::InvalidMac => damaged("its age header was changed"),
        _ => damaged("its age header is damaged"),
    }
}

fn damaged(what: &str) -> OpenError {
    OpenError::Damaged(what.to_owned())
}

/// Where the pieces wait. The stream owns its end of it and does not lend it, so the other end is shared.
#[derive(Clone, Default)]
struct Inlet(Arc<Mutex<Pieces>>);

#[derive(Default)]
struct Pieces {
    pieces: VecDeque<Bytes>,
    ended: bool,
}

impl Inlet {
    fn with<T>(&self, act: impl FnOnce(&mut Pieces) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Inlet {
    /// `WouldBlock` where more is to come: the stream keeps what it has and goes on from there.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|inlet| {
            while let Some(piece) = inlet.pieces.front_mut() {
                let length = piece.len().min(buffer.len());
                if length == 0 && !buffer.is_empty() {
                    inlet.pieces.pop_front();
                    continue;
                }
                buffer[..length].copy_from_slice(&piece.split_to(length));
                return Ok(length);
            }
            if inlet.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) }
        })
    }
}
