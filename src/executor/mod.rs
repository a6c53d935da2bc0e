//! The executor: the only part of the program that changes a cluster. It sends each call once, repeats nothing whatever
//! the answer is, and says of each outcome only what is known.
//!
//! ```text
//! Call --send--> Done      2xx and the object: it happened
//!           \--> Refused   4xx: it did not happen, and why
//!           \--> NotSent   no connection, no credentials: it did not happen
//!           \--> Unknown   anything else after the first byte: read back, never send again
//! ```
//!
//! Beside actions it writes notices to other operators ([`tell`]), which can name no workload's object.
//!
//! The client that is handed in must not repeat requests by itself (`Connected::writer` gives such a one).

mod classify;
mod notice;
mod read_back;
mod send;

pub use classify::{Cause, Sent};
pub use notice::{tell, would_take};
pub use read_back::{ReadBack, read_back, restored};

use crate::death;
use crate::domain::plan::{Call, Plan};
use crate::engine::gate::Approved;

/// Asks the server what each call of a plan would do. The only place that adds `dryRun=All` to one; nothing is stored.
///
/// All calls are asked, each against the cluster as it is: an earlier one does not count as done.
pub async fn dry_run(client: &kube::Client, plan: &Plan) -> Vec<Sent> {
    let mut outcomes = Vec::with_capacity(plan.calls.len());
    for call in &plan.calls {
        outcomes.push(send::send(client, call, true).await);
    }
    outcomes
}

/// Sends the approved calls in order, and stops at the first that is not known to be done: what follows it was not
/// sent and has no outcome.
pub async fn execute(client: &kube::Client, approved: &Approved) -> Vec<Sent> {
    in_order(client, approved.calls()).await
}

async fn in_order(client: &kube::Client, calls: &[Call]) -> Vec<Sent> {
    let mut outcomes = Vec::with_capacity(calls.len());
    for call in calls {
        death::point("call.unsent");
        let sent = send::send(client, call, false).await;
        death::point("call.answered");
        let done = matches!(sent, Sent::Done { .. });
        outcomes.push(sent);
        if !done {
            break;
        }
    }
    outcomes
}

#[cfg(test)]
mod tests;
