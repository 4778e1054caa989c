//! Both sides of the greeting against each other, and against those who cheat.

use mp_queue::connection::AuthKey;

use super::*;

const HOST: Identity = Identity { server: 42, pid: 7, max_frame: 9 };

fn key(text: &str) -> Key {
    Key::from(AuthKey::from(text))
}

/// Lets the two talk, and returns what each of them thinks of the other.
fn greet(host: &str, caller: &str) -> (Result<(), Stranger>, Result<Identity, Stranger>) {
    let (mut host, mut caller) =
        (Host::new(key(host)).unwrap(), Caller::new(key(caller), Vec::new()).unwrap());
    let mut reply = Vec::new();
    assert_eq!(host.take(caller.hello(), &mut reply), Ok(false));
    let proof = caller.take_hello(reply.as_slice().try_into().unwrap()).unwrap();
    reply.clear();
    match host.take(&proof, &mut reply) {
        Ok(is_done) => {
            assert!(is_done && reply.is_empty());
            (Ok(()), caller.take_verdict(&host.verdict(Some(HOST))))
        }
        Err(error) => (Err(error), caller.take_verdict(reply.as_slice().try_into().unwrap())),
    }
}

/// A host that has heard a hello, and a caller with the right proof.
fn halfway() -> (Host, Caller, [u8; PROOF]) {
    let (mut host, mut caller) =
        (Host::new(key("key")).unwrap(), Caller::new(key("key"), Vec::new()).unwrap());
    let mut reply = Vec::new();
    host.take(caller.hello(), &mut reply).unwrap();
    let proof = caller.take_hello(reply.as_slice().try_into().unwrap()).unwrap();
    (host, caller, proof)
}

#[test]
fn one_key_opens() {
    for text in ["key", &"k".repeat(1000)] {
        assert_eq!(greet(text, text), (Ok(()), Ok(HOST)));
    }
}

#[test]
fn two_keys_do_not_and_both_sides_say_so() {
    assert_eq!(greet("key", "kez"), (Err(Stranger::WrongKey), Err(Stranger::WrongKey)));
}

#[test]
fn any_changed_bit_of_a_proof_is_wrong() {
    for bit in 0..PROOF * 8 {
        let (mut host, _, mut proof) = halfway();
        proof[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(host.take(&proof, &mut Vec::new()), Err(Stranger::WrongKey));
    }
}

#[test]
fn any_changed_bit_of_a_verdict_is_refused() {
    let (mut host, caller, proof) = halfway();
    host.take(&proof, &mut Vec::new()).unwrap();
    let right = host.verdict(Some(HOST));
    assert_eq!(caller.take_verdict(&right), Ok(HOST));
    for bit in 0..VERDICT * 8 {
        let mut wrong = right;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(caller.take_verdict(&wrong).is_err(), "bit {bit}");
    }
}

#[test]
fn a_proof_holds_for_one_role_and_one_conversation() {
    let (mut host, caller, _) = halfway();
    let (_, _, replayed) = halfway();
    assert_eq!(host.take(&replayed, &mut Vec::new()), Err(Stranger::WrongKey));
    // The server's own words, sent back to it.
    let (mut host, _, proof) = halfway();
    host.take(&proof, &mut Vec::new()).unwrap();
    let reflected = host.verdict(Some(HOST));
    assert_eq!(host.take(&reflected[HEAD..], &mut Vec::new()), Err(Stranger::WrongKey));
    assert_eq!(caller.take_verdict(&reflected), Err(Stranger::WrongKey), "another conversation");
}

/// Whoever is between the two and changes one of the hellos is found out by both.
#[test]
fn the_version_is_part_of_what_is_proved() {
    let (host, caller) =
        (Host::new(key("key")).unwrap(), Caller::new(key("key"), Vec::new()).unwrap());
    let mut changed = caller.ours;
    changed[4] ^= 1;
    let honest = host.transcript(&caller.ours).prove(Role::Client, &[]);
    assert_ne!(honest, host.transcript(&changed).prove(Role::Client, &[]));
}

#[test]
fn another_version_is_told_which_one_is_spoken_here() {
    let (mut host, mut caller) =
        (Host::new(key("key")).unwrap(), Caller::new(key("key"), Vec::new()).unwrap());
    let mut newer = caller.ours;
    newer[4..8].copy_from_slice(&9_u32.to_le_bytes());
    let mut reply = Vec::new();
    assert_eq!(host.take(&newer, &mut reply), Err(Stranger::Version(9)));
    assert_eq!(reply, host.ours);
    assert_eq!(caller.take_hello(newer), Err(Stranger::Version(9)));
}

#[test]
fn what_is_no_hello_is_refused_and_learns_nothing() {
    for message in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; HELLO], &[0; HELLO]] {
        let mut host = Host::new(key("key")).unwrap();
        let mut reply = Vec::new();
        assert_eq!(host.take(message, &mut reply), Err(Stranger::Language));
        assert!(reply.is_empty());
    }
}

#[test]
fn a_proof_holds_for_one_channel() {
    for same in [true, false] {
        let (mut host, mut caller) =
            (Host::new(key("key")).unwrap(), Caller::new(key("key"), vec![1; 32]).unwrap());
        host.bind(vec![if same { 1 } else { 2 }; 32]);
        let mut reply = Vec::new();
        host.take(caller.hello(), &mut reply).unwrap();
        let proof = caller.take_hello(reply.as_slice().try_into().unwrap()).unwrap();
        assert_eq!(host.take(&proof, &mut reply).is_ok(), same);
    }
}
