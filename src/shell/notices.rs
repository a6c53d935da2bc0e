//! Performs what the gate tells other operators and hears of them: Leases, and the rulings of a quorum. Whether an approval
//! could be forged is found out by trying it: dry runs, which store nothing.

use crate::death;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key};
use crate::domain::notice::{Notice, Ruling, Said};
use crate::engine::Event;
use crate::engine::event::Count;
use crate::executor::{self, Cause, Sent};
use crate::sources::kubernetes::{self, Connected};

use super::perform::Performer;

/// A name that nobody has.
const SOMEBODY_ELSE: &str = "goaround:somebody-else";

impl Performer {
    /// Tells others. Not on a client that was made ready for an approved write.
    pub(super) async fn told(&self, notice: &Notice) {
        let Some(cluster) = self.cluster().await else { return };
        death::point("lease.untold");
        let told = taken(executor::tell(&cluster.plain_client(), notice).await);
        death::point("lease.told");
        if let Err(why) = told {
            self.tell(Event::NotTold(why)).await;
        }
    }

    /// Who is deciding in a namespace.
    pub(super) async fn leases(&self, namespace: Clean) {
        let Some(cluster) = self.cluster().await else { return };
        let found = kubernetes::leases(cluster, &namespace).await;
        self.tell(Event::Leases(namespace, found.map_err(|error| Clean::new(error.to_string())))).await;
    }

    /// What was said to plans in a namespace.
    pub(super) async fn rulings(&self, namespace: Clean) {
        let Some(cluster) = self.cluster().await else { return };
        let found = kubernetes::rulings(cluster, &namespace).await;
        self.tell(Event::Rulings(namespace, found.map_err(|error| Clean::new(error.to_string())))).await;
    }

    /// Whether an approval could be forged in a namespace.
    pub(super) async fn try_forgery(&self, namespace: Clean, user: Clean) {
        let Some(cluster) = self.cluster().await else { return };
        let workload = Key { namespace: namespace.clone(), name: "nothing".into() };
        let now = self.clock.now();
        let own = Ruling {
            workload,
            digest: ContentDigest::of_bytes(b"nothing"),
            by: user,
            said: Said::Nothing,
            at: now,
            expires: now,
            planned: now,
        };
        let held = forgery(cluster, &own, &[]).await;
        self.tell(Event::Forgery(namespace, held)).await;
    }

    /// Writes what this person says; an approval is then counted with all others.
    pub(super) async fn rule(&self, ruling: Ruling) {
        let (workload, digest) = (ruling.workload.clone(), ruling.digest.clone());
        let count = self.counted(ruling).await;
        self.tell(Event::Ruled(workload, digest, Box::new(count))).await;
    }

    async fn counted(&self, ruling: Ruling) -> Result<Count, Clean> {
        let Some(cluster) = self.cluster().await else { return Err("no cluster".into()) };
        death::point("ruling.unsaid");
        taken(executor::tell(&cluster.plain_client(), &Notice::Ruling(ruling.clone())).await)?;
        death::point("ruling.said");
        let rulings = kubernetes::rulings(cluster, &ruling.workload.namespace).await;
        death::point("ruling.counted");
        let rulings = rulings.map_err(|error| Clean::new(error.to_string()))?;
        if ruling.said != Said::Approves {
            return Ok(Count { rulings, forgery: Ok(()) });
        }
        let others: Vec<Ruling> = rulings
            .iter()
            .filter(|r| r.digest == ruling.digest && r.by != ruling.by && r.said == Said::Approves)
            .cloned()
            .collect();
        let forgery = forgery(cluster, &ruling, &others).await;
        death::point("ruling.proved");
        Ok(Count { rulings, forgery })
    }
}

fn taken(sent: Sent) -> Result<(), Clean> {
    match sent {
        Sent::Done { .. } => Ok(()),
        Sent::Refused { message, .. } => Err(message),
        Sent::Unknown { why } | Sent::NotSent { why } => Err(why),
    }
}

/// `Ok`: this person can write an approval in their own name and, with all else the same, none in another's: neither a new
/// one, nor over those that are counted. That the first is possible shows that the others are refused for the name.
async fn forgery(cluster: &Connected, own: &Ruling, others: &[Ruling]) -> Result<(), Clean> {
    let client = cluster.plain_client();
    let own_one = executor::would_take(&client, &Notice::Ruling(own.clone())).await;
    taken(own_one).map_err(|why| Clean::new(format!("an approval of one's own is refused: {why}")))?;
    let stranger = Ruling { by: SOMEBODY_ELSE.into(), ..own.clone() };
    for ruling in [&stranger].into_iter().chain(others) {
        match executor::would_take(&client, &Notice::Ruling(ruling.clone())).await {
            Sent::Refused { cause: Cause::Forbidden | Cause::Invalid, .. } => {}
            Sent::Done { .. } => {
                return Err(Clean::new(
                    "whoever may write ConfigMaps can approve in the name of somebody else",
                ));
            }
            other => {
                let why = taken(other).err().unwrap_or_default();
                return Err(Clean::new(format!("whether an approval can be forged is not known: {why}")));
            }
        }
    }
    Ok(())
}
