use std::io::Write;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const AGE: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const ED25519: &str = include_str!("testdata/ed25519");
const ED25519_LOCKED: &str = include_str!("testdata/ed25519_locked");
const RSA: &str = include_str!("testdata/rsa");
const CHUNK: usize = 64 << 10;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).unwrap()
}

fn seal(recipients: Recipients) -> Seal {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Protection::default().encrypt(recipients).seal()).unwrap()
}

fn sealed(seal: &Seal, plain: &[u8], pieces: usize) -> Vec<u8> {
    let mut sealer = seal.sealer().unwrap();
    let mut file = Vec::new();
    for piece in plain.chunks(pieces) {
        sealer.write_all(piece).unwrap();
        assert!(sealer.waiting() <= 2 * CHUNK + piece.len(), "what is sealed is given on");
        file.extend(sealer.take());
    }
    sealer.end().unwrap();
    file.extend(sealer.take());
    file
}

fn opened(identities: &Identities, file: &[u8], pieces: usize, bites: usize) -> Result<Vec<u8>, OpenError> {
    let mut opener = Opener::new(identities.clone());
    let mut rest = file.chunks(pieces);
    let mut plain = Vec::new();
    loop {
        match opener.read(bites)? {
            Step::Bytes(bytes) => {
                assert!(bytes.len() <= bites);
                plain.extend_from_slice(&bytes);
            }
            Step::End => return Ok(plain),
            Step::Hungry => match rest.next() {
                Some(piece) => opener.feed(Bytes::copy_from_slice(piece)),
                None => opener.end(),
            },
        }
    }
}

fn pair() -> (Recipients, Identities) {
    let new = Identities::generate();
    (Recipients::of([new.recipient()]).unwrap(), Identities::parse(new.file("").as_bytes(), None).unwrap())
}

/// Bytes that tell when two of them change places.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 251 % 256) as u8).collect()
}

/// Lengths at and around the borders of the chunks that age encrypts.
fn lengths() -> impl Strategy<Value = usize> {
    (0usize..4, -3i64..=3).prop_map(|(chunks, offset)| (chunks * CHUNK).saturating_add_signed(offset as isize))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_was_sealed_opens_whatever_the_pieces(
        length in lengths(),
        written in 1_000usize..200_000,
        read in 500usize..200_000,
        bites in 1_000usize..100_000,
    ) {
        let (recipients, identities) = pair();
        let plain = pattern(length);
        let file = sealed(&seal(recipients), &plain, written);
        prop_assert_eq!(opened(&identities, &file, read, bites).unwrap(), plain);
    }

    #[test]
    fn what_was_cut_never_opens(length in lengths(), cut in 1usize..70_000) {
        let (recipients, identities) = pair();
        let file = sealed(&seal(recipients), &pattern(length), 10_000);
        let left = file.len() - cut.min(file.len());
        prop_assert!(matches!(opened(&identities, &file[..left], 5_000, 5_000), Err(OpenError::Damaged(_))));
    }

    #[test]
    fn what_was_changed_never_opens(length in lengths(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let (recipients, identities) = pair();
        let mut file = sealed(&seal(recipients), &pattern(length), 10_000);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        prop_assert!(opened(&identities, &file, 5_000, 5_000).is_err());
    }
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let (recipients, identities) = pair();
    let file = sealed(&seal(recipients), b"hello", 1);
    assert_eq!(opened(&identities, &file, 1, 1).unwrap(), b"hello");
}

#[test]
fn what_follows_the_last_chunk_is_damage() {
    let (recipients, identities) = pair();
    let seal = seal(recipients);
    for length in [0, 5, CHUNK, 2 * CHUNK] {
        let file = [sealed(&seal, &pattern(length), CHUNK), b"more".to_vec()].concat();
        assert!(matches!(opened(&identities, &file, 7_000, 7_000), Err(OpenError::Damaged(_))), "{length}");
    }
}

#[test]
fn ssh_keys_open_what_is_for_them() {
    let rows = [
        (ED25519, include_str!("testdata/ed25519.pub"), None),
        (RSA, include_str!("testdata/rsa.pub"), None),
        (ED25519_LOCKED, include_str!("testdata/ed25519_locked.pub"), Some(passphrase("open sesame"))),
    ];
    for (private, public, phrase) in rows {
        let seal = seal(Recipients::of([public, AGE]).unwrap());
        let identities = Identities::parse(private.as_bytes(), phrase.as_ref()).unwrap();
        let file = sealed(&seal, b"hello", 100);
        assert_eq!(opened(&identities, &file, 100, 100).unwrap(), b"hello", "{public}");
        assert!(identities.is_of_any(seal.record().unwrap().keys()), "{identities:?}");
        assert!(!format!("{:?}", seal.record()).contains("test"), "a comment is nobody's business");
    }
}

#[test]
fn files_of_others_stay_closed() {
    let (recipients, _) = pair();
    let file = sealed(&seal(recipients), b"hello", 100);
    let (_, other) = pair();
    let ssh = Identities::parse(RSA.as_bytes(), None).unwrap();
    for identities in [Identities::NONE, other, ssh] {
        assert_eq!(opened(&identities, &file, 100, 100), Err(OpenError::NoKey), "{identities:?}");
    }
}

#[test]
fn a_passphrase_opens_the_identity_of_the_backup() {
    let seal = seal(Recipients::of_passphrase(passphrase("open sesame")).work(4));
    let file = seal.identity_file().unwrap();
    let identities = Identities::unlock(file, &passphrase("open sesame")).unwrap();
    assert_eq!(opened(&identities, &sealed(&seal, b"hello", 9), 100, 100).unwrap(), b"hello");
    assert_eq!(Identities::unlock(file, &passphrase("sesame")).unwrap_err(), OpenError::NoKey);
    assert!(matches!(Identities::unlock(&file[..80], &passphrase("open sesame")), Err(OpenError::Damaged(_))));
    let like = Seal::like(seal.record()).unwrap();
    assert_eq!(opened(&identities, &sealed(&like, b"again", 9), 100, 100).unwrap(), b"again");
}

#[test]
fn a_file_of_identities_may_be_under_a_passphrase() {
    let new = Identities::generate();
    let mut lock = ::age::scrypt::Recipient::new("open sesame".to_owned().into());
    lock.set_work_factor(4);
    let binary = ::age::encrypt(&lock, new.file("").as_bytes()).unwrap();
    let text = ::age::encrypt_and_armor(&lock, new.file("").as_bytes()).unwrap();
    for file in [&binary[..], text.as_bytes()] {
        let parsed = Identities::parse(file, Some(&passphrase("open sesame"))).unwrap();
        assert!(parsed.is_of_any([new.recipient().as_str()].into_iter()));
        for (phrase, why) in [(None, "none was given"), (Some(passphrase("x")), "does not open")] {
            let error = Identities::parse(file, phrase.as_ref()).unwrap_err();
            assert!(error.why().contains(why), "{error}");
        }
    }
}

#[test]
fn recipients_that_can_not_be_used_are_named() {
    let ecdsa = include_str!("testdata/ecdsa.pub");
    let secret = Identities::generate().file("");
    let secret = secret.lines().last().unwrap();
    for (text, why) in [
        ("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", "check sum"),
        ("agf1zvkyg", "begins with age1, ssh-ed25519 or ssh-rsa"),
        ("", "begins with age1"),
        ("ssh-ed25519 AAAA", "not the public half of an SSH key"),
        (ecdsa, "ecdsa-sha2-nistp256 can't encrypt"),
        (secret, "it is a secret key"),
    ] {
        let error = Recipients::of([text]).unwrap_err();
        assert!(error.to_string().contains(why), "{text}: {error}");
        assert!(!error.to_string().contains("AGE-SECRET-KEY-"), "{error}");
    }
    assert!(Recipients::of::<&str>([]).is_err());
    let file = format!("# the team\n\n{AGE}\n  {AGE}  \n");
    assert_eq!(seal(Recipients::of_file(&file).unwrap()).record().unwrap().recipients, [AGE]);
}

#[test]
fn identities_that_can_not_be_used_are_explained() {
    for (file, why) in [
        ("", "there is none in it"),
        ("# a comment\n", "there is none in it"),
        (AGE, "line 1 is a public key"),
        ("# x\nAGE-SECRET-KEY-1QQQ\n", "line 2 is neither"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "can't be read"),
        (ED25519_LOCKED, "none was given"),
    ] {
        let error = Identities::parse(file.as_bytes(), None).unwrap_err();
        assert!(error.why().contains(why), "{file}: {error}");
        assert!(!error.to_string().contains("SECRET-KEY-1Q"), "{error}");
    }
    let wrong = Identities::parse(ED25519_LOCKED.as_bytes(), Some(&passphrase("x"))).unwrap_err();
    assert!(wrong.why().contains("does not open"), "{wrong}");
}

#[test]
fn signatures_are_those_of_minisign() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::parse(&key.file()).unwrap();
    assert_eq!(again.id(), key.id());
    let public = key.public().unwrap();
    let signature = again.sign(b"manifest", "a comment").unwrap();
    for text in [public.to_string(), public.file(), format!("{}\r\n", public.file().replace('\n', "\r\n"))] {
        let trusted = TrustedKey::parse(&text).unwrap();
        assert_eq!(verify(std::slice::from_ref(&trusted), signature.as_bytes(), b"manifest"), Ok(()));
        assert!(verify(&[trusted], signature.as_bytes(), b"manifesT").is_err());
    }
    let other = SigningKey::generate().unwrap().public().unwrap();
    assert_eq!(verify(&[other.clone(), public], signature.as_bytes(), b"manifest"), Ok(()));
    assert!(verify(&[other], signature.as_bytes(), b"manifest").unwrap_err().contains(&key.id()));
}

#[test]
fn signing_keys_that_can_not_be_used_are_explained() {
    let key = SigningKey::generate().unwrap();
    let locked = "untrusted comment: minisign encrypted secret key\nRWRTY0Iyabcdefgh\n";
    for (text, why) in [
        (key.public().unwrap().file().as_str(), "the public half"),
        (locked, "a password protects it"),
        ("nonsense", "two lines"),
        ("untrusted comment: x\nnonsense\n", "not a secret key of minisign"),
    ] {
        let error = SigningKey::parse(text).unwrap_err();
        assert!(error.why().contains(why), "{text}: {error}");
    }
    for (text, why) in [(key.file().as_str(), "it is a secret key"), ("RWQ", "56 characters"), ("", "one line")] {
        let error = TrustedKey::parse(text).unwrap_err();
        assert!(error.why().contains(why), "{text}: {error}");
    }
}
