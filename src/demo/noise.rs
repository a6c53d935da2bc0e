//! Chance that repeats: numbers that look random and are a function of a seed, a name and a step, so that the order
//! of requests and the number of threads cannot change the world.

/// 64 well-mixed bits for `(seed, name, step)` (FNV-1a over the name, then the finaliser of SplitMix64).
pub fn bits(seed: u64, name: &str, step: i64) -> u64 {
    mix(fnv(seed, name) ^ (step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// FNV-1a of `name`, started from `seed`.
pub fn fnv(seed: u64, name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ mix(seed), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `length` characters of the alphabet that Kubernetes uses for generated names: no vowels, no look-alikes.
pub fn letters(seed: u64, name: &str, length: usize) -> String {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..length)
        .map(|n| {
            let pick = bits(seed, name, n as i64) % SAFE.len() as u64;
            char::from(SAFE[pick as usize])
        })
        .collect()
}

/// A version 4 shaped UUID for `name`.
pub fn uuid(seed: u64, name: &str) -> String {
    let (a, b) = (bits(seed, name, 1), bits(seed, name, 2));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 50),
        b & 0xffff_ffff_ffff
    )
}

/// A number in `0.0..1.0` for a name that has been hashed already.
pub fn step(key: u64, step: i64) -> f64 {
    (mix(key ^ (step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11) as f64 / (1_u64 << 53) as f64
}
