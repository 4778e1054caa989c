//! How the targets make their inputs of the bytes that the fuzzer gives.

/// Makes bytes that are almost valid: a copy of `valid`, edited as `input` says. If its first byte
/// says so, the rest of the input is the result itself.
///
/// An edit is three bytes: what to do, where, and with what.
#[must_use]
pub fn spoil(valid: &[u8], input: &[u8]) -> Vec<u8> {
    let Some((&mode, rest)) = input.split_first() else { return valid.to_vec() };
    if mode % 4 == 0 {
        return rest.to_vec();
    }
    let mut bytes = valid.to_vec();
    for edit in rest.chunks_exact(3).take(8) {
        let &[what, place, with] = edit else { break };
        apply(&mut bytes, what, usize::from(place), with);
    }
    bytes
}

fn apply(bytes: &mut Vec<u8>, what: u8, place: usize, with: u8) {
    /// Numbers that are at the edge of something.
    const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    if bytes.is_empty() {
        return bytes.push(with);
    }
    let place = place % bytes.len();
    match what % 6 {
        0 => bytes[place] = with,
        1 => bytes[place] ^= 1 << (with % 8),
        2 => bytes[place] = EDGES[usize::from(with) % EDGES.len()],
        3 => bytes.truncate(place),
        4 => bytes.insert(place, with),
        // A piece comes twice.
        _ => {
            let end = bytes.len().min(place + usize::from(with % 32));
            let piece = bytes[place..end].to_vec();
            bytes.splice(place..place, piece);
        }
    }
}

/// Takes a number of `N` bytes from the front of the input; zeros stand for what is missing.
pub fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let len = input.len().min(N);
    taken[..len].copy_from_slice(&input[..len]);
    *input = &input[len..];
    taken
}
