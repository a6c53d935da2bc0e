//! Sentences as somebody would make them who has read the contract of this corpus and not the checker: random incidents,
//! several wordings for each item and each sentence, and the nine lies of the contract. Written in the notation of
//! `voice.rs`.

use serde_json::Value;

use super::generator::Dice;
use super::voice;

const SERVICES: &[&str] = &[
    "api-gateway",
    "checkout",
    "payments",
    "cart-service",
    "user-profile",
    "search",
    "orders",
    "recommendation-engine",
    "auth",
    "notification-worker",
    "inventory",
    "web",
];
const WINDOWS: &[&str] = &["1m", "5m", "10m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// `incidents` evidence sets with their sentences.
pub fn corpus(seed: u64, incidents: usize) -> Vec<Value> {
    let mut dice = Dice(seed);
    (0..incidents).flat_map(|_| voice::corpus(&Incident::random(&mut dice).told(&mut dice))).collect()
}

struct Incident {
    service: &'static str,
    other: &'static str,
    third: &'static str,
    revision: usize,
    before: f64,
    after: f64,
    short: (&'static str, f64),
    long: (&'static str, f64),
    latency: (f64, f64),
    rate: f64,
    failed: usize,
    total: usize,
    rollout: usize,
    onset: usize,
    replicas: usize,
    budget: usize,
    served: usize,
    quiet: f64,
    image: (usize, usize),
}

fn clock(second: usize) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// A claim with its lies, in braces.
fn claim(truth: &str, lies: &[(&str, String)]) -> String {
    let told: String =
        lies.iter().filter(|(_, lie)| lie != truth).map(|(kind, lie)| format!("|{kind}={lie}")).collect();
    format!("{{{truth}{told}}}")
}

/// A number with a unit: wrong value, factor of ten, sign, unit.
fn number(dice: &mut Dice, value: f64, digits: usize, unit: &str, other_unit: &str) -> String {
    let write = |v: f64, unit: &str| {
        let text = format!("{v:.digits$}");
        format!("{text}{unit}")
    };
    let truth = write(value, unit);
    let factor = [0.4, 0.6, 1.5, 2.2, 3.1][dice.roll(5)];
    let mut lies = vec![("v", write(value * factor, unit)), ("t", write(value * 10.0, unit))];
    let tenth = write(value / 10.0, unit);
    if tenth.contains(|c: char| ('1'..='9').contains(&c)) {
        lies.push(("t", tenth));
    }
    lies.push(("u", write(value, other_unit)));
    if dice.roll(2) == 0 {
        lies.push(("s", format!("-{truth}")));
    }
    // A lie that rounds to nothing, or to the truth, is none.
    lies.retain(|(_, lie)| lie.contains(|c: char| ('1'..='9').contains(&c)));
    claim(&truth, &lies)
}

fn percent(dice: &mut Dice, ratio: f64) -> String {
    let digits = if ratio < 0.01 { 2 } else { 1 };
    let unit = [" %", "%", " percent"][dice.roll(3)];
    let other = [" ms", "x", " s"][dice.roll(3)];
    number(dice, ratio * 100.0, digits, unit, other)
}

fn window(dice: &mut Dice, truth: &str) -> String {
    let lie = WINDOWS[dice.roll(WINDOWS.len())].to_owned();
    claim(truth, &[("w", lie)])
}

fn revision(dice: &mut Dice, truth: usize) -> String {
    let word = ["revision ", "Revision ", "rev "][dice.roll(3)];
    claim(
        &format!("{word}{truth}"),
        &[("r", format!("{word}{}", truth + 2 + dice.roll(3))), ("r", format!("{word}{}", truth * 10))],
    )
}

fn time(dice: &mut Dice, second: usize) -> String {
    let (wrong, hour) = (second + 180 + 60 * dice.roll(20), (second + 3600 * (1 + dice.roll(3))) % 86_400);
    let cut = if dice.roll(2) == 0 { 8 } else { 5 };
    claim(
        &clock(second)[..cut],
        &[("k", clock(wrong)[..cut].to_owned()), ("k", clock(hour)[..cut].to_owned())],
    )
}

impl Incident {
    fn random(dice: &mut Dice) -> Self {
        let first = dice.roll(SERVICES.len());
        let short = dice.roll(3);
        let total = 3_000 + dice.roll(90_000);
        let after = 0.02 + 0.001 * dice.roll(950) as f64;
        let rollout = 4_000 + dice.roll(70_000);
        let burn = after * 1000.0 * (0.95 + 0.001 * dice.roll(90) as f64);
        Self {
            service: SERVICES[first],
            other: SERVICES[(first + 3) % SERVICES.len()],
            third: SERVICES[(first + 7) % SERVICES.len()],
            revision: 3 + dice.roll(60),
            before: 0.0001 * (1 + dice.roll(40)) as f64,
            after,
            short: (WINDOWS[short], burn),
            long: (WINDOWS[short + 3], burn * 0.31),
            latency: (20.0 + dice.roll(200) as f64, 700.0 + dice.roll(2_500) as f64),
            rate: 12.0 + dice.roll(900) as f64,
            failed: (total as f64 * after) as usize,
            total,
            rollout,
            onset: rollout + 40 + dice.roll(200),
            replicas: 2 + dice.roll(14),
            budget: 11 + dice.roll(80),
            served: 2 + dice.roll(40),
            quiet: 0.1 * (1 + dice.roll(9)) as f64,
            image: (1 + dice.roll(6), 10 + dice.roll(30)),
        }
    }

    fn evidence(&self, dice: &mut Dice) -> String {
        let service = self.service;
        let subject = if dice.roll(2) == 0 { format!("shop/{service}") } else { service.to_owned() };
        let rate = dice.one(&["rps", "requests/s", "req/s"]);
        let (before, after) = match dice.roll(4) {
            0 => ("error ratio before the rollout", "error ratio after the rollout"),
            1 => ("error ratio, before", "error ratio, after"),
            2 => ("error ratio before the deploy", "error ratio now"),
            _ => ("error ratio of the old pods", "error ratio of the new pods"),
        };
        let percent = dice.roll(2) == 0;
        let ratio =
            |v: f64| if percent { format!("{:.4} | %", v * 100.0) } else { format!("{v:.6} | ratio") };
        let latency = |ms: f64, seconds: bool| {
            if seconds { format!("{:.4} | s", ms / 1e3) } else { format!("{ms} | ms") }
        };
        let seconds = dice.roll(2) == 0;
        let (major, minor) = self.image;
        let budget = if dice.roll(2) == 0 {
            format!("{} | %", self.budget)
        } else {
            format!("{} | ratio", self.budget as f64 / 100.0)
        };
        [
            format!("E1 | {before} | {} | 1h | {subject}", ratio(self.before)),
            format!("E2 | {after} | {} | {} | {subject}", ratio(self.after), self.short.0),
            format!("E3 | burn rate | {:.2} | x | {} | {subject}", self.short.1, self.short.0),
            format!("E4 | burn rate | {:.2} | x | {} | {subject}", self.long.1, self.long.0),
            format!(
                "E5 | p99 latency before the rollout | {} | 1h | {subject}",
                latency(self.latency.0, seconds)
            ),
            format!(
                "E6 | p99 latency after the rollout | {} | {} | {subject}",
                latency(self.latency.1, seconds),
                self.short.0
            ),
            format!(
                "E7 | requests failed | {} | {} | {}.. | {subject}",
                self.failed,
                dice.one(&["requests", "", "count"]),
                clock(self.onset)
            ),
            format!(
                "E8 | requests in total | {} | requests | {}.. | {subject}",
                self.total,
                clock(self.onset)
            ),
            format!("E9 | request rate | {} | {rate} | {} | {subject}", self.rate, self.short.0),
            format!("E10 | onset | {} | | | {subject}", clock(self.onset)),
            format!("E11 | rollout of revision {} | {} | | | {subject}", self.revision, clock(self.rollout)),
            format!("E12 | replicas | {} | | | {subject}", self.replicas),
            format!("E13 | error budget remaining | {budget} | 30d | {subject}"),
            format!(
                "E14 | revision {} served for | {} | s | | {subject}",
                self.revision - 1,
                self.served * 3600
            ),
            format!("E15 | burn rate | {:.1} | x | 1h | {}", self.quiet, self.other),
            format!("E16 | image | shop/{service}:{major}.{minor} | | | {subject}"),
            format!("E17 | rollback target | revision {} | | | {subject}", self.revision - 1),
            format!("E18 | page threshold | 14.4 | x | 1h | {subject}"),
        ]
        .join("\n")
    }

    fn told(&self, dice: &mut Dice) -> String {
        let mut out = self.evidence(dice);
        let service = |dice: &mut Dice| {
            let lie = if dice.roll(2) == 0 { self.other } else { self.third };
            claim(self.service, &[("n", lie.to_owned())])
        };
        for which in 0..30 {
            let d = &mut *dice;
            let (short, long) = (self.short, self.long);
            let unit = d.one(&[" rps", " requests/s", " req/s"]);
            let line = match which {
                0 => format!(
                    "Errors {{rose|d=fell|d=stayed flat}} from {} to {} [E1][E2].",
                    percent(d, self.before),
                    percent(d, self.after)
                ),
                1 => format!(
                    "The error ratio of {} {{increased|d=decreased}} from {} to {} [E1][E2].",
                    service(d),
                    percent(d, self.before),
                    percent(d, self.after)
                ),
                2 => format!(
                    "Before the rollout the error ratio was {}, after it {} [E1][E2].",
                    percent(d, self.before),
                    percent(d, self.after)
                ),
                3 => format!(
                    "Before the rollout the error ratio was {{!{:.1} %}}, after it {{!{:.2} %}} [E1][E2].",
                    self.after * 100.0,
                    self.before * 100.0
                ),
                4 => format!(
                    "Errors rose from {{!{:.1}%}} to {{!{:.2}%}} [E1][E2].",
                    self.after * 100.0,
                    self.before * 100.0
                ),
                5 => format!("{} of requests to {} are failing [E2].", percent(d, self.after), service(d)),
                6 => format!(
                    "Over the last {}, {} of requests failed [E2].",
                    window(d, short.0),
                    percent(d, self.after)
                ),
                7 => format!(
                    "The burn rate of {} is {} over {} [E3].",
                    service(d),
                    number(d, short.1, 1, "x", " %"),
                    window(d, short.0)
                ),
                8 => format!(
                    "{} burns its budget at {} ({}) and {} ({}) [E3][E4].",
                    service(d),
                    number(d, short.1, 1, "x", " ms"),
                    window(d, short.0),
                    number(d, long.1, 1, "x", "%"),
                    window(d, long.0)
                ),
                9 => format!(
                    "The burn rate is {{!{:.1}x}} over {} and {{!{:.1}x}} over {} [E3][E4].",
                    long.1, short.0, short.1, long.0
                ),
                10 => format!(
                    "The {} burn rate of {} exceeds the threshold of {} [E4][E18].",
                    window(d, long.0),
                    number(d, long.1, 1, "x", " %"),
                    number(d, 14.4, 1, "x", " s")
                ),
                11 => format!(
                    "p99 latency {{rose|d=dropped}} from {} to {} [E5][E6].",
                    number(d, self.latency.0, 0, " ms", " s"),
                    number(d, self.latency.1, 0, " ms", " s")
                ),
                12 => format!(
                    "The p99 latency is {} after the rollout [E6].",
                    number(d, self.latency.1 / 1e3, 2, " s", " ms")
                ),
                13 => format!(
                    "{} of {} requests failed since {} [E7][E8].",
                    number(d, self.failed as f64, 0, "", " %"),
                    number(d, self.total as f64, 0, "", " ms"),
                    time(d, self.onset)
                ),
                14 => format!("{} requests failed [E7].", number(d, self.failed as f64, 0, "", " million")),
                15 => format!("{} serves {} [E9].", service(d), number(d, self.rate, 0, unit, " ms")),
                16 => format!("The errors began at {} [E10].", time(d, self.onset)),
                17 => format!(
                    "{} was rolled out at {} [E11].",
                    revision(d, self.revision),
                    time(d, self.rollout)
                ),
                18 => format!(
                    "The errors started {} {{after|o=before}} the rollout of {} [E10][E11].",
                    number(d, (self.onset - self.rollout) as f64, 0, " seconds", " hours"),
                    revision(d, self.revision)
                ),
                19 => format!(
                    "{} are running [E12].",
                    claim(
                        &format!("{} replicas", self.replicas),
                        &[
                            ("v", format!("{} replicas", self.replicas + 1 + d.roll(4))),
                            ("t", format!("{} replicas", self.replicas * 10))
                        ]
                    )
                ),
                20 => format!(
                    "{} of the error budget remains [E13].",
                    number(d, self.budget as f64, 0, " %", " min")
                ),
                21 => format!(
                    "{} served for {} without trouble [E14].",
                    revision(d, self.revision - 1),
                    number(d, self.served as f64, 0, " h", " s")
                ),
                22 => format!(
                    "{} is not affected: it burns at {} [E15].",
                    claim(self.other, &[("n", self.third.to_owned())]),
                    number(d, self.quiet, 1, "x", " %")
                ),
                23 => format!(
                    "The current image is {} [E16].",
                    claim(
                        &format!("shop/{}:{}.{}", self.service, self.image.0, self.image.1),
                        &[
                            ("n", format!("shop/{}:{}.{}", self.service, self.image.0, self.image.1 + 1)),
                            ("n", format!("shop/{}:{}.{}", self.third, self.image.0, self.image.1))
                        ]
                    )
                ),
                24 => format!("Roll back to {} [E17].", revision(d, self.revision - 1)),
                25 => format!("{{!{:.1} %}} of requests fail [E12].", self.after * 100.0),
                26 => format!("The burn rate is {{!{:.1}x}} [E9].", short.1),
                27 => format!("{} of requests fail [E2][{{!E{}}}].", percent(d, self.after), 19 + d.roll(60)),
                28 => format!(
                    "The error ratio is {} and the burn rate {}. @E2,E3",
                    percent(d, self.after),
                    number(d, short.1, 1, "x", " s")
                ),
                _ => format!(
                    "{} is burning at {} while {} burns at {} [E4][E15].",
                    claim(self.service, &[("n", self.third.to_owned())]),
                    number(d, long.1, 1, "x", " s"),
                    claim(self.other, &[("n", self.third.to_owned())]),
                    number(d, self.quiet, 1, "x", " %")
                ),
            };
            out += "\n";
            out += &line;
        }
        out
    }
}
