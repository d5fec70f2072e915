//! The rules that make chunks exact, by name, so that the tests can break one and see that they notice.

/// What must hold for the table of merged chunks to be that of the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Ids gain the foreground that other parts have before them.
    RanksGain,
    /// Where the image goes on beyond a part, a voxel waits for its neighbours.
    MissingNeighboursWait,
    /// Beyond the image there is nothing to wait for.
    ImageEnds,
    /// A covered neighbour that is not live is background.
    CoveredIsBackground,
    /// An edge waits until it is known whether both its ends are junctions.
    UnknownEdgesWait,
    /// Forest edges between terminals may still be dropped.
    TerminalsWait,
    /// Of a chain of forest edges it is the maximum that may be dropped.
    MaximumWaits,
    /// Ends of edges that wait are terminals too.
    WaitingEdgesAreTerminals,
    /// Edges of one weight are taken in the order of their voxels.
    TiesInOrder,
    /// Clusters that were contracted stay so.
    ClustersStay,
    /// Cycles and components know their smallest voxel.
    SmallestVoxel,
    /// Parallel branches are ordered by their second voxel.
    SecondVoxelOrders,
    /// Floats are added from the source on.
    AddedFromSource,
    /// Isolated voxels count as components.
    IsolatedCount,
}

/// Whether a rule is followed: always, but for tests that break one.
#[cfg(not(test))]
#[inline(always)]
pub(super) const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
pub(super) fn holds(rule: Rule) -> bool {
    BROKEN.get() != Some(rule)
}

#[cfg(test)]
thread_local! {
    pub(super) static BROKEN: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}
