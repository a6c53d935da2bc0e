//! Bad input through the real binary: each says what happened, where and what to do next, and leaves nothing half
//! applied.

#[path = "common/cluster.rs"]
mod cluster;
mod common;

use cluster::Cluster;

#[test]
fn x_measure() {
    let t = std::time::Instant::now();
    let c = Cluster::burning();
    eprintln!("world {:?}", t.elapsed());
    let ran = c.run(&["propose", "-o", "json"]);
    eprintln!("propose {:?} {:?}\n{}\n{}", t.elapsed(), ran.code, ran.out, ran.err);
    let ran = c.run(&["propose"]);
    eprintln!("propose {:?} {:?}\n{}\n{}", t.elapsed(), ran.code, ran.out, ran.err);
    let ran = c.run(&["check"]);
    eprintln!("check {:?} {:?}\n{}\n{}", t.elapsed(), ran.code, ran.out, ran.err);
}
