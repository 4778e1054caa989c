//! Both sides of the handshake against each other, and against peers that cheat.

use super::*;

/// Lets both sides talk until both are done or one has an error.
fn shake(
    listener: (AuthKey, bool),
    client: (AuthKey, bool),
) -> (Result<(), AuthError>, Result<(), AuthError>) {
    let (mut listener, first) = Handshake::listener(listener.0, listener.1).unwrap();
    let mut client = Handshake::client(client.0, client.1).unwrap();
    let mut to_client = vec![first];
    let (mut listener_done, mut client_done) = (false, false);
    while !(listener_done && client_done) {
        let (replies, is_done) = match drive(&mut client, &to_client) {
            Ok(progress) => progress,
            Err(error) => return (Ok(()), Err(error)),
        };
        client_done |= is_done;
        let (replies, is_done) = match drive(&mut listener, &replies) {
            Ok(progress) => progress,
            Err(error) => {
                let farewell = listener.farewell().map(<[u8]>::to_vec).into_iter().collect();
                let client = drive(&mut client, &Vec::from_iter::<Vec<_>>(farewell)).map(drop);
                return (Err(error), client);
            }
        };
        listener_done |= is_done;
        to_client = replies;
    }
    (Ok(()), Ok(()))
}

fn drive(side: &mut Handshake, messages: &[Vec<u8>]) -> Result<(Vec<Vec<u8>>, bool), AuthError> {
    let mut all = (Vec::new(), false);
    for message in messages {
        let progress = side.take(message)?;
        all.0.extend(progress.replies);
        all.1 |= progress.is_done;
    }
    Ok(all)
}

/// A listener, its challenge as sent, and the bare one.
fn challenged(legacy: bool) -> (Handshake, Vec<u8>) {
    let (listener, first) = Handshake::listener(AuthKey::from("key"), legacy).unwrap();
    let bare = first.strip_prefix(CHALLENGE).unwrap().to_vec();
    (listener, bare)
}

#[test]
fn one_key_opens() {
    for key in ["key", "", &"k".repeat(1000)] {
        for legacy in [false, true] {
            let side = || (AuthKey::from(key), legacy);
            assert!(matches!(shake(side(), side()), (Ok(()), Ok(()))));
        }
    }
}

#[test]
fn two_keys_do_not() {
    let ends = shake((AuthKey::from("key"), false), (AuthKey::from("kez"), false));
    assert!(matches!(ends, (Err(AuthError::WrongKey), Err(AuthError::Rejected))), "{ends:?}");
}

#[test]
fn messages_have_the_sizes_of_cpython() {
    let (mut listener, challenge) = challenged(false);
    assert_eq!(challenge.len(), 48);
    assert!(challenge.starts_with(SHA256));
    let response = digest::respond(&AuthKey::from("key"), &challenge, false).unwrap();
    assert_eq!(response.len(), 40);
    assert_eq!(listener.take(&response).unwrap().replies, [WELCOME]);
}

#[test]
fn the_response_is_that_of_cpython() {
    // hmac.new(b"key", b"{sha256}" + bytes(range(40)), "sha256").hexdigest()
    let expected = "05b37335205f51ff483146e965fdf576943e0e64675a64ceccba80b6704d76b8";
    let challenge: Vec<u8> = SHA256.iter().copied().chain(0..40).collect();
    let response = digest::respond(&AuthKey::from("key"), &challenge, false).unwrap();
    let hex: String = response[SHA256.len()..].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[test]
fn a_reflected_challenge_is_refused() {
    let (mut listener, challenge) = challenged(false);
    let response = digest::respond(&AuthKey::from("key"), &challenge, false).unwrap();
    listener.take(&response).unwrap();
    let reflected = listener.take(&[CHALLENGE, &challenge].concat());
    assert!(matches!(reflected, Err(AuthError::Reflected)));
}

#[test]
fn any_changed_bit_of_the_response_is_wrong() {
    let (_, challenge) = challenged(false);
    let right = digest::respond(&AuthKey::from("key"), &challenge, false).unwrap();
    for bit in SHA256.len() * 8..right.len() * 8 {
        let mut wrong = right.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let verdict = digest::verify(&AuthKey::from("key"), &challenge, &wrong, false);
        assert!(matches!(verdict, Err(AuthError::WrongKey)));
    }
    for end in SHA256.len()..right.len() {
        let verdict = digest::verify(&AuthKey::from("key"), &challenge, &right[..end], false);
        assert!(verdict.is_err());
    }
}

#[test]
fn weaker_digests_are_refused() {
    let key = AuthKey::from("key");
    let challenge = |text: &[u8]| digest::respond(&key, text, false);
    assert!(matches!(challenge(&[7; 20]), Err(AuthError::Legacy)));
    assert!(matches!(
        challenge(b"{md5}0123456789012345678901234567890123456789"),
        Err(AuthError::UnknownDigest)
    ));
    assert!(matches!(challenge(b"{sha256}short"), Err(AuthError::Unexpected)));
    let (mut listener, _) = challenged(false);
    assert!(matches!(listener.take(&[7; 16]), Err(AuthError::Legacy)));
}

#[test]
fn what_is_no_handshake_is_refused() {
    for message in [&b""[..], b"#WELCOME#", b"#FAILURE#", b"GET / HTTP/1.1", &[0xff; 256]] {
        let (mut listener, _) = challenged(true);
        assert!(listener.take(message).is_err());
        let mut client = Handshake::client(AuthKey::from("key"), true).unwrap();
        assert!(client.take(message).is_err());
    }
}

#[test]
fn a_client_is_told_only_when_it_waits_for_a_verdict() {
    let (listener, _) = challenged(false);
    assert_eq!(listener.farewell(), Some(FAILURE));
    let client = Handshake::client(AuthKey::from("key"), false).unwrap();
    assert_eq!(client.farewell(), None);
}
