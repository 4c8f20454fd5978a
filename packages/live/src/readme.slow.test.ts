import { describeReadmeExamples } from '@dskd/test-support';

describeReadmeExamples(import.meta.url);
