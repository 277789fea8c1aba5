/**
 * Live, verified replicas of the stories of a Writethru service.
 *
 * ```js
 * import { follow } from 'writethru'
 *
 * const replica = await follow('http://127.0.0.1:8080', { story: 'ferry' })
 * console.log(replica.current.headline)
 * for await (const { article } of replica) console.log(article.revision)
 * ```
 *
 * Every article that a replica shows has the hash that the service promised for it. What is lost, repeated or
 * tampered with never shows: the replica notices, takes the article, and says that it reset.
 */

export { Refused, articleHash } from './article.ts'
export type { Article, Block, Kind, Level, Mark, Status } from './article.ts'
export type { Change, Op, Significance, Splice } from './change.ts'
export { recallOf } from './follower.ts'
export type { Filters, Recall, ReplicaStatus, ResetReason, Update } from './follower.ts'
export { Closed, Replica, Stories, follow, followAll } from './replica.ts'
export type { FollowAll, FollowOptions, FollowStory, WaitOptions } from './replica.ts'
export { FollowError } from './service.ts'
