mod common;
use common::Screen;
#[test]
fn explore() {
    let size: Vec<u16> =
        std::env::var("SIZE").unwrap_or("120x40".into()).split('x').map(|n| n.parse().unwrap()).collect();
    let mut s = Screen::start(size[0], size[1], &["demo", "slo-burn", "--speed", "30"]);
    let t = std::time::Instant::now();
    s.wait("g gate");
    println!("{:?}\n{}", t.elapsed(), s.text());
    s.wait("opens the gate");
    println!("{:?}\n{}", t.elapsed(), s.text());
    s.press("g");
    for step in std::env::var("STEPS").unwrap_or_default().split(',') {
        let (wait, keys) = step.split_once('=').unwrap_or((step, ""));
        std::thread::sleep(std::time::Duration::from_millis(wait.parse().unwrap_or(500)));
        println!("{:?} before {keys:?}\n{}", t.elapsed(), s.text());
        let keys = keys.replace("^[", "\x1b").replace("^M", "\r").replace("^I", "\t");
        s.press(&keys);
    }
    std::thread::sleep(std::time::Duration::from_millis(1000));
    println!("{:?} \n{}", t.elapsed(), s.text());
}
