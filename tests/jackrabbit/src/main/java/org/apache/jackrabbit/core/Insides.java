package org.apache.jackrabbit.core;

import javax.jcr.RepositoryException;
import org.apache.jackrabbit.core.cluster.ClusterNode;
import org.apache.jackrabbit.core.persistence.PersistenceManager;
import org.apache.jackrabbit.core.query.QueryHandler;
import org.apache.jackrabbit.core.version.InternalVersionManagerImpl;

/**
 * Reaches what Jackrabbit shows to its own package only: the persistence managers and the search indexes, which its
 * consistency checks are methods of. It changes nothing.
 */
public final class Insides {
    private Insides() {}

    /** What keeps the nodes of a workspace. */
    public static PersistenceManager workspace(RepositoryImpl repository, String name) throws RepositoryException {
        return repository.getWorkspaceInfo(name).getPersistenceManager();
    }

    /** What keeps the version histories. */
    public static PersistenceManager versions(RepositoryImpl repository) throws RepositoryException {
        return ((InternalVersionManagerImpl) repository.context.getInternalVersionManager()).getPersistenceManager();
    }

    /** What searches the nodes of a workspace. */
    public static QueryHandler index(RepositoryImpl repository, String name) throws RepositoryException {
        return repository.getWorkspaceInfo(name).getSearchManager().getQueryHandler();
    }

    /** What searches the version histories and the rest of {@code /jcr:system}. */
    public static QueryHandler systemIndex(RepositoryImpl repository, String name) throws RepositoryException {
        return repository.getSystemSearchManager(name).getQueryHandler();
    }

    /** What tells other nodes of a cluster of changes, and this one of theirs; null where there is no cluster. */
    public static ClusterNode cluster(RepositoryImpl repository) {
        return repository.context.getClusterNode();
    }
}
