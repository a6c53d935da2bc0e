//! The front end of `eval`: steps the ordinary engine until the card of one workload has stood for a while and a model
//! was asked about it, then lets the engine stand still and waits for the end of that answer. A world that runs faster
//! than real time would otherwise take the card away before a model has answered in real time.

use std::time::Duration;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::advice::{Advice, BriefId, Ending};
use crate::domain::cluster::Key;
use crate::engine::opinion::Opinion;
use crate::engine::{Command, Event, State};

use super::run::{Front, Next, run};
use super::session::Session;

/// World time after which no card is waited for any more.
const PATIENCE: TimeDelta = TimeDelta::minutes(45);
const TICK: Duration = Duration::from_millis(20);

/// The front end of one question.
pub struct OneQuestion {
    about: Key,
    stands: TimeDelta,
    begun: Option<Time>,
}

impl OneQuestion {
    /// About the card of `about` that has stood for `stands`, in world time.
    pub fn new(about: Key, stands: TimeDelta) -> Self {
        Self { about, stands, begun: None }
    }

    /// What the model was asked about the open card, and how that ended. The session is of no further use. A question
    /// that has no end `within` this, in real time, has none. `Err`: why nothing was asked.
    pub async fn asked(
        mut self,
        session: &mut Session,
        within: Duration,
    ) -> Result<(Opinion, Option<Ending>), String> {
        let state = run(session, &mut self).await;
        let Some(opinion) = self.opinion(&state).cloned() else {
            let minutes = PATIENCE.num_minutes();
            return Err(format!("the model was not asked: no card of {} in {minutes} minutes", self.about));
        };
        let ending = match opinion.ending.clone() {
            Some(ending) => Some(ending),
            None => {
                let end = end_of(session, opinion.brief.id);
                tokio::time::timeout(within, end).await.unwrap_or_default()
            }
        };
        Ok((opinion, ending))
    }

    /// The newest rationale of a card that has stood long enough.
    fn opinion<'s>(&self, state: &'s State) -> Option<&'s Opinion> {
        let proposal = state.incidents.get(&self.about)?.proposal.as_ref()?;
        let counsel = state.counsel.get(&self.about).filter(|c| c.about == proposal.digest)?;
        let stood = state.now - proposal.opened >= self.stands;
        counsel.rationale().filter(|_| stood)
    }
}

/// Listens for the end of question `id`; what else happens is dropped.
async fn end_of(session: &mut Session, id: BriefId) -> Option<Ending> {
    while let Some(event) = session.events.recv().await {
        if let Event::Advice(of, advice) = event
            && of == id
            && let Advice::Ended(ending) = *advice
        {
            return Some(*ending);
        }
    }
    None
}

impl Front for OneQuestion {
    fn after(&mut self, state: &State, _now: Duration, _events: &mut Vec<Event>) -> Next {
        let begun = *self.begun.get_or_insert(state.now);
        let late = state.now - begun > PATIENCE;
        if late || self.opinion(state).is_some() { Next::Enough } else { Next::On }
    }

    async fn input(&mut self, _state: &State) -> Vec<Command> {
        std::future::pending().await
    }

    fn tick(&self) -> Duration {
        TICK
    }
}
