/**
 * What is used of the SDK, by name and in a module of our own: it is CommonJS, of which a bundle has
 * nothing but `default` where it is imported when needed.
 */
export {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
